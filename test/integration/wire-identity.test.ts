import fc from 'fast-check';
import type { Middleware } from 'phospho-express';
import { afterEach, describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { mildly, outcomeOf, withoutOurs } from './wire/compare.ts';
import { compressed } from './wire/compressed-stage.ts';
import { Http2Stage } from './wire/http2-stage.ts';
import { CHAT, programs, requests, type Step } from './wire/programs.ts';
import { bare, onExpress, type Stage } from './wire/stages.ts';

/** Programs tried per configuration; raise it to search longer. */
const RUNS = Number(process.env.WIRE_RUNS ?? 60);

const HTTP2 = 'bare node:http2';
const ANSWERS_EARLY = 'bare node:http, answering before it has the body';

/** Found by a long run: what Node sends of a name that is twice in a list differs between its lines. */
const TWICE_EXPOSED: Step[] = [
  {
    do: 'writeHead',
    form: 'flat list',
    status: 200,
    headers: [
      ['Access-Control-Expose-Headers', 'X-Mine'],
      ['Access-Control-Expose-Headers', 'X-Other'],
    ],
  },
];

/** Node sends what is corked at the end of a body behind that end: an end that is held would mend it. */
const CORKED_AT_ITS_END: Step[] = [
  {
    do: 'write',
    data: 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
    as: 'string',
    encoding: undefined,
    callback: false,
    reuse: false,
  },
  { do: 'cork' },
];

type Stack = (middlewares: readonly Middleware[]) => Stage;

const [[, express4], [, express5]] = EXPRESS_VERSIONS;

const STACKS: [string, Stack][] = [
  ['bare node:http', (middlewares) => bare(middlewares, true)],
  [ANSWERS_EARLY, (middlewares) => bare(middlewares, false)],
  [HTTP2, (middlewares) => new Http2Stage(middlewares)],
  ...EXPRESS_VERSIONS.flatMap(([name, express]) =>
    (['before', 'after'] as const).map((parser): (typeof STACKS)[number] => [
      `${name}, parser ${parser} the middleware`,
      (middlewares) => onExpress(express, middlewares, parser),
    ]),
  ),
  [
    'Express 4, compression before the middleware',
    (middlewares) => compressed(express4, middlewares, 'before'),
  ],
  [
    'Express 5, compression after the middleware',
    (middlewares) => compressed(express5, middlewares, 'after'),
  ],
];

describe.each(STACKS)('an app on %s', (name, stage) => {
  const stages: Stage[] = [];
  const open = (...middlewares: Middleware[]): Stage => {
    const opened = stage(middlewares);
    stages.push(opened);
    return opened;
  };
  afterEach(() => {
    for (const opened of stages.splice(0)) opened.close();
  });

  it("sends the same bytes, and sees the same results, behind publish: 'none'", async () => {
    const { phospho } = testPhospho({ logLevel: 'silent' });
    const [without, behind] = [open(), open(phospho.middleware({ publish: 'none' }))];
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const expected = await without.play(program, asked, origin);
        expect(await behind.play(program, asked, origin)).toEqual(expected);
      }),
      { numRuns: RUNS, timeout: 4_000, examples: [[[], CHAT, true]] },
    );
    // Not by recording nothing.
    if (name !== ANSWERS_EARLY) expect(phospho.stats().events.captured).toBeGreaterThan(0);
  }, 120_000);

  it('sends the same bytes, and sees the same results, mounted twice and by two Phosphos', async () => {
    const [{ phospho }, other] = [testPhospho({ logLevel: 'silent' }), testPhospho()];
    const middleware = phospho.middleware({ publish: 'none' });
    const [without, behind] = [
      open(),
      open(middleware, middleware, other.phospho.middleware({ publish: 'none' })),
    ];
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const expected = await without.play(program, asked, origin);
        expect(await behind.play(program, asked, origin)).toEqual(expected);
      }),
      { numRuns: RUNS / 2, timeout: 4_000, examples: [[[], CHAT, true]] },
    );
    expect(other.phospho.stats().events.captured).toBe(0);
  }, 120_000);

  it('sends the same bytes, and sees the same results, behind flushBeforeEnd', async () => {
    const { phospho } = testPhospho({ logLevel: 'silent' });
    const middleware = phospho.middleware({ publish: 'none', flushBeforeEnd: true });
    const [without, behind] = [open(), open(middleware)];
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const mild = mildly(program, name === HTTP2);
        const expected = await without.play(mild, asked, origin);
        const actual = await behind.play(mild, asked, origin);
        expect(outcomeOf(actual, mild)).toEqual(outcomeOf(expected, mild));
      }),
      {
        numRuns: RUNS,
        timeout: 4_000,
        examples: [
          [[], CHAT, true],
          [CORKED_AT_ITS_END, CHAT, true],
        ],
      },
    );
    if (name !== ANSWERS_EARLY) expect(phospho.stats().events.captured).toBeGreaterThan(0);
  }, 120_000);

  it("differs behind publish: 'headers' by those headers alone", async () => {
    const { phospho } = testPhospho({ logLevel: 'silent' });
    const [without, behind] = [open(), open(phospho.middleware())];
    let published = 0;
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const expected = await without.play(program, asked, origin);
        const actual = await behind.play(program, asked, origin);
        const { ours, ...sent } = withoutOurs(actual.wire);
        expect({ ...sent, ours: 0 }).toEqual(withoutOurs(expected.wire));
        expect([0, 2]).toContain(ours);
        expect([actual.returned, actual.later]).toEqual([expected.returned, expected.later]);
        published += ours;
      }),
      {
        numRuns: RUNS,
        timeout: 4_000,
        examples: [
          [[], CHAT, true],
          [TWICE_EXPOSED, CHAT, true],
        ],
      },
    );
    if (name !== ANSWERS_EARLY) expect(published).toBeGreaterThan(0);
  }, 120_000);
});
