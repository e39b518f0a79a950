// A TypeScript app in ESM: compiled, not run, in both decorator dialects, with all library types checked.
import express, { type Request } from 'express';
import { type Ledger, logTask, Phospho, wrap } from 'phospho-express';
import { Client } from 'phospho-express/client';
import { createCollector } from 'phospho-express/collector';
import { InMemoryExporter } from 'phospho-express/testing';

const phospho = new Phospho({
  handleSignals: true,
  waitUntil: (promise) => void promise,
  feedback: {
    bind: (req: Request) => req.get('x-user'),
    authorize: async (req: Request, { taskId }) => req.get('x-user') === taskId,
    rawFlagToFlag: (stars) => (stars === 5 ? 'success' : undefined),
    limits: { perToken: 3 },
  },
});
const app = express();
app.use(phospho.router({ onFlag: ({ taskId }, req: Request) => void [taskId, req.ip] }));
app.use(
  phospho.middleware({
    sessionId: (req) => req.headers['x-chat']?.toString(),
    userId: (req: Request) => req.get('x-user'),
    flushBeforeEnd: { timeoutMs: 1_000 },
  }),
);
app.use(express.json());
app.post('/chat', (req, res) => {
  const id: string | undefined = req.phospho?.taskId;
  res.json({ id });
});

interface Chat {
  id: string;
}

class ChatService {
  @logTask({ sessionId: (_question, chat) => chat.id })
  async *answer(question: string, chat: Chat) {
    yield question + chat.id;
  }

  @logTask<ChatService['sum']>({ input: (a, b) => a + b, output: (sum) => sum.toFixed(2) })
  sum(a: number, b: number): number {
    return a + b;
  }

  @logTask()
  static async greet(name: string): Promise<string> {
    return name;
  }
}

const measure = wrap(async (text: string) => text.length);
const length: number = await measure('x');
// @ts-expect-error -- what a function takes stays what it takes
await measure(3);
const ledger: Ledger = await phospho.gracefulShutdown(app.listen(0), { timeoutMs: 5_000 });
await phospho.shutdown();
for await (const task of new Client().tasks.list()) console.log(task.content.input);
console.log(length, ledger, createCollector, InMemoryExporter, new ChatService());
