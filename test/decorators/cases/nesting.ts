import fc from 'fast-check';
import { Phospho, type Step, wrap } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { describe, expect, it } from 'vitest';
import { outline, record } from '../recording.ts';
import type { Subjects } from './subjects.ts';

export function describeNesting({ Desk, deskWith }: Subjects): void {
  describe('a decorated method called within another', () => {
    it('is a step of the outermost one', async () => {
      const recording = record();
      const desk = new Desk();
      const answer = await desk.run(async () => {
        await null;
        const first = await desk.run(() => desk.ask('inner'));
        return `${first} ${desk.greet('Ada')}`;
      });
      expect(answer).toBe('Hello: inner Hello, Ada');
      const event = await recording.event();
      expect(outline(event)).toBe('Desk.run(Desk.ask) Desk.greet');
      expect(event.steps?.[1]).toMatchObject({
        name: 'Desk.greet',
        input: 'Ada',
        output: 'Hello, Ada',
        outcome: 'complete',
      });
    });

    it('that fails is a step with its error, whatever its caller makes of it', async () => {
      const recording = record();
      const desk = new Desk();
      await desk.run(async () => {
        await desk.run(() => Promise.reject(new Error('inner'))).catch(() => {});
        return 'fine';
      });
      const event = await recording.event();
      expect(event).toMatchObject({ output: 'fine', metadata: { outcome: 'complete' } });
      expect(event.steps).toMatchObject([{ outcome: 'error', error: 'Error: inner' }]);
    });

    it("with `as: 'task'` is a task of its own that names its parent", async () => {
      const recording = record();
      const desk = new Desk();
      desk.run(() => {
        desk.greet('outer');
        desk.apart(() => desk.greet('inner'));
      });
      const [inner, outer] = await recording.events();
      expect(inner?.metadata).toMatchObject({
        name: 'Desk.apart',
        parent_task_id: outer?.task_id,
      });
      expect(outer?.metadata).not.toHaveProperty('parent_task_id');
      expect(outline(inner!)).toBe('Desk.greet');
      expect(outline(outer!)).toBe('Desk.greet');
      expect(inner?.task_id).not.toBe(outer?.task_id);
    });

    it("with `as: 'task'` is of its parent's session and user", async () => {
      const recording = record();
      const desk = new Desk();
      const outer = wrap(() => desk.apart(() => 'x'), {
        sessionId: () => 'session_1',
        userId: () => 'user_1',
      });
      outer();
      const events = await recording.events();
      expect(events).toHaveLength(2);
      for (const event of events) {
        expect(event).toMatchObject({ session_id: 'session_1', user_id: 'user_1' });
      }
    });

    it('is a task of its own once the outer one is over', async () => {
      const recording = record();
      const desk = new Desk();
      let later: Promise<void> | undefined;
      desk.run(() => {
        later = (async () => {
          await null;
          desk.greet('late');
        })();
      });
      await later;
      const events = await recording.events();
      expect(events.map((event) => event.metadata?.name)).toEqual(['Desk.run', 'Desk.greet']);
      expect(events[1]?.metadata?.parent_task_id).toBe(events[0]?.task_id);
    });

    it('goes where its task goes, not to the Phospho constructed first', async () => {
      const first = record();
      const second = record();
      const desk = new Desk();
      second.phospho.wrap(() => desk.greet('Ada'), { name: 'outer' })();
      expect(outline(await second.event())).toBe('Desk.greet');
      expect(await first.events()).toEqual([]);
      desk.greet('outside');
      expect(await first.event()).toMatchObject({ input: 'outside' });
    });

    it('runs beyond a thousand deep, with the steps beyond counted', async () => {
      const recording = record();
      const desk = new Desk();
      const dive = async (depth: number): Promise<void> => {
        await null;
        if (depth > 0) await desk.run(() => dive(depth - 1));
      };
      await desk.run(() => dive(1_200));
      expect(desk.runs).toBe(1_201);
      expect((await recording.event()).metadata).toMatchObject({ steps_left_out: 200 });
    });
  });

  describe('tasks under way at once', () => {
    interface Plan {
      isParallel: boolean;
      isStream: boolean;
      children: Plan[];
    }
    const planOver = (children: fc.Arbitrary<Plan[]>): fc.Arbitrary<Plan> =>
      fc.record({ isParallel: fc.boolean(), isStream: fc.boolean(), children });
    const { plan } = fc.letrec<{ plan: Plan }>((tie) => ({
      plan: fc.oneof(
        { maxDepth: 3 },
        planOver(fc.constant([])),
        planOver(fc.array(tie('plan'), { maxLength: 3 })),
      ),
    }));

    it('never mix their steps, in whatever order their work goes on', async () => {
      const recording = record();
      const follow = async (
        label: string,
        { isParallel, isStream, children }: Plan,
        tick: () => Promise<void>,
      ): Promise<void> => {
        const below = async (): Promise<void> => {
          await tick();
          const visits = children.map(
            (child, index) => () => follow(`${label}.${index}`, child, tick),
          );
          if (isParallel) await Promise.all(visits.map((visit) => visit()));
          else for (const visit of visits) await visit();
          await tick();
        };
        if (!isStream) return wrap(below, { name: label })();
        const stream = wrap(
          async function* () {
            yield 'a';
            await below();
            yield 'b';
          },
          { name: label },
        )();
        for await (const _ of stream) await tick();
      };
      const expected = (label: string, { children }: Plan): string => {
        const inner = children.map((child, index) => expected(`${label}.${index}`, child));
        return inner.length === 0 ? label : `${label}(${inner.join(' ')})`;
      };
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), fc.array(plan, { maxLength: 4 }), async (s, plans) => {
          recording.reset();
          const tick = (): Promise<void> => s.schedule(Promise.resolve());
          const tasks = plans.map((each, index) => follow(`${index}`, each, tick));
          await s.waitFor(Promise.all(tasks));
          const events = await recording.events();
          const found = events.map((event) => {
            const inner = outline(event);
            return inner === '' ? event.metadata?.name : `${event.metadata?.name}(${inner})`;
          });
          expect(found.sort()).toEqual(plans.map((each, i) => expected(`${i}`, each)).sort());
          const open = (steps: Step[] = []): boolean =>
            steps.some((step) => step.outcome !== 'complete' || open(step.steps));
          expect(events.some((event) => open(event.steps))).toBe(false);
        }),
        { numRuns: 60 },
      );
    });
  });

  describe('where there is nothing to record to, a decorated method just runs', () => {
    it('without a Phospho', async () => {
      const desk = new Desk();
      expect(desk.greet('Ada')).toBe('Hello, Ada');
      expect(await desk.ask('why?')).toBe('Hello: why?');
      expect([...desk.list('a')]).toEqual(['a']);
    });

    it('after shutdown', async () => {
      const { phospho } = record();
      await phospho.shutdown();
      const promise = Promise.resolve(1);
      expect(new Desk().run(() => promise)).toBe(promise);
      expect(phospho.stats().events.captured).toBe(0);
    });

    it('with `enabled: false`, and its hooks are not called', async () => {
      const exporter = new InMemoryExporter();
      const phospho = new Phospho({ exporter, enabled: false });
      let calls = 0;
      const count = (): undefined => {
        calls += 1;
      };
      const desk = deskWith({ input: count, output: count, sessionId: count, metadata: count });
      expect(await desk.answer('why?', '1')).toBe('re: why?');
      const promise = Promise.resolve(1);
      expect(new Desk().run(() => promise)).toBe(promise);
      await phospho.shutdown();
      expect({ calls, events: exporter.events }).toEqual({ calls: 0, events: [] });
    });
  });
}
