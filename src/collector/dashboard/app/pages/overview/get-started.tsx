import { useSession } from '../../data/session.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';

const MIDDLEWARE = `import express from 'express';
import { Phospho } from 'phospho-express';

const phospho = new Phospho();
const app = express();

app.use(phospho.router());     // POST /phospho/flag, GET /phospho/widget.js
app.use(phospho.middleware()); // before body parsers and compression
app.use(express.json());`;

export function GetStarted({ project }: { project: string }) {
  const { base_url } = useSession();
  const variables = [
    `export PHOSPHO_BASE_URL=${base_url}`,
    'export PHOSPHO_API_KEY=…',
    `export PHOSPHO_PROJECT_ID=${project}`,
  ].join('\n');
  return (
    <div class="get-started">
      <p class="lead">
        No task has arrived yet. With the demo, ask something on its chat page. With an app of your
        own it takes two steps, and the first conversation appears here by itself.
      </p>
      <ol class="steps-list">
        <li>
          <h2>Tell your app where the collector is</h2>
          <p class="muted">
            The collector’s command printed the API key when it first started; it keeps only a hash
            of it. <code>--new-key</code> makes another one.
          </p>
          <Snippet text={variables} />
        </li>
        <li>
          <h2>Add the middleware</h2>
          <p class="muted">
            It records every exchange with a model. Your handlers stay as they are.
          </p>
          <Snippet text={MIDDLEWARE} />
        </li>
      </ol>
    </div>
  );
}

function Snippet({ text }: { text: string }) {
  return (
    <div class="snippet">
      <pre>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
