import { setTimeout as delay } from 'node:timers/promises';
import type { LogEvent, Step } from 'phospho-express';
import { logTask } from 'phospho-express';
import { expect, it } from 'vitest';
import { testPhospho } from '../helpers/phospho.ts';

const TASKS = 10_000;

/** Each wait ends in another phase of Node's event loop. */
const WAITS = [
  () => Promise.resolve(),
  () => new Promise<void>((resolve) => setImmediate(resolve)),
  () => new Promise<void>((resolve) => process.nextTick(resolve)),
  () => delay(1),
];

const wait = (n: number): Promise<void> => WAITS[n % WAITS.length]!();

class Agent {
  @logTask({ sessionId: (n) => `session ${n}` })
  async turn(n: number): Promise<string> {
    const pages = await this.retrieve(`${n}`);
    await wait(n + 1);
    let answer = '';
    for await (const word of this.write(`${n}`, pages)) answer += word;
    return answer;
  }

  @logTask()
  async retrieve(label: string): Promise<string> {
    await wait(Number(label));
    const [first, second] = await Promise.all([this.page(`${label} a`), this.page(`${label} b`)]);
    return `${first}, ${second}`;
  }

  @logTask()
  async page(label: string): Promise<string> {
    await wait(label.length);
    return `page of ${label}`;
  }

  @logTask()
  async *write(label: string, pages: string): AsyncGenerator<string> {
    yield `${label}: `;
    await wait(Number(label) + 2);
    yield await this.page(`${label} c`);
    yield pages;
  }
}

it(`${TASKS} tasks under way at once, each with steps, have none of them mixed`, {
  timeout: 120_000,
}, async () => {
  const { events } = testPhospho({ delivery: { maxQueueBytes: 256 * 1024 * 1024 } });
  const agent = new Agent();
  const answers = await Promise.all(Array.from({ length: TASKS }, (_, n) => agent.turn(n)));
  const all = await events();
  expect(all).toHaveLength(TASKS);
  const seen = new Set<string>();
  for (const event of all) {
    const label = event.input;
    seen.add(label);
    expect(event.session_id).toBe(`session ${label}`);
    expect(event.output).toBe(answers[Number(label)]);
    expect(shape(event)).toBe(
      `retrieve(${label}) [page(${label} a) page(${label} b)] write(${label}) [page(${label} c)]`,
    );
  }
  expect(seen.size).toBe(TASKS);
});

/** Steps as `name(first argument)`, those within in brackets. */
function shape({ steps = [] }: Pick<LogEvent, 'steps'> | Step): string {
  return steps
    .map((step) => {
      const name = step.name.replace('Agent.', '');
      const input = String(step.input).replace(/^\{"0":"([^"]*)".*$/, '$1');
      const within = shape(step);
      return `${name}(${input})${within && ` [${within}]`}`;
    })
    .join(' ');
}
