import type { SessionContent } from '../../../../../types.ts';
import { count } from '../../format/numbers.ts';
import { Fact } from '../../parts/fact.tsx';
import { Moment } from '../../parts/time.tsx';
import { InlineText } from '../../text/plain-text.tsx';

export function SessionFacts({ session }: { session: SessionContent }) {
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Facts</h2>
      <dl class="facts">
        <Fact label="Tasks">{count(session.session_length)}</Fact>
        <Fact label="Began">
          <Moment seconds={session.created_at} />
        </Fact>
        <Fact label="Last message">
          {session.last_message_ts && <Moment seconds={session.last_message_ts} />}
        </Fact>
        <Fact label="Environment">
          {session.environment && <InlineText text={session.environment} />}
        </Fact>
        <Fact label="Notes">{session.notes && <InlineText text={session.notes} />}</Fact>
        <Fact label="Id">
          <span class="mono">
            <InlineText text={session.id} />
          </span>
        </Fact>
      </dl>
    </section>
  );
}
