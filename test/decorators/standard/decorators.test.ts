import { readFileSync } from 'node:fs';
import { logTask } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { describeDress } from '../cases/dress.ts';
import { describeKinds } from '../cases/kinds.ts';
import { describeNesting } from '../cases/nesting.ts';
import { describeOptions } from '../cases/options.ts';
import { describeResults } from '../cases/results.ts';
import { describeStreams } from '../cases/streams.ts';
import { outline, record } from '../recording.ts';
import * as subjects from './subjects.ts';

class Vault {
  #code = 'open sesame';

  @logTask()
  async #open(code: string): Promise<boolean> {
    return code === this.#code;
  }

  @logTask()
  static #hint(code: string): number {
    return code.length;
  }

  @logTask()
  async enter(code: string): Promise<boolean> {
    Vault.#hint(code);
    return this.#open(code);
  }
}

class Hidden {
  label = 'own';

  @logTask({ name: 'hand', capture: 'output' })
  #hand<T>(make: (label: string) => T): T {
    return make(this.label);
  }

  hand<T>(make: (label: string) => T): T {
    return this.#hand(make);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the compiler refuses is written on purpose here
const careless: any = logTask;

describe('standard decorators', () => {
  it('are what this folder is compiled to, from the same source as the legacy ones', () => {
    const [[method, context]] = subjects.handed as [[unknown, ClassMethodDecoratorContext]];
    expect(method).toBe(subjects.Probed.prototype.method);
    expect(context).toMatchObject({ kind: 'method', name: 'method', static: false });
    const source = (dialect: string): string =>
      readFileSync(new URL(`../${dialect}/subjects.ts`, import.meta.url), 'utf8');
    expect(source('standard')).toBe(source('legacy'));
  });

  it('record private methods', async () => {
    const recording = record();
    const vault = new Vault();
    expect(await vault.enter('open sesame')).toBe(true);
    expect(await vault.enter('open barley')).toBe(false);
    const events = await recording.events();
    expect(events.map((event) => event.output)).toEqual(['true', 'false']);
    for (const event of events) {
      // The class has the name that the compiler leaves it.
      expect(outline(event)).toBe(`${Vault.name}.#hint ${Vault.name}.#open`);
    }
  });

  it('on an accessor throws, and says what to write', () => {
    const define = (): unknown => {
      class Wrong {
        @careless()
        accessor value = 1;
      }
      return Wrong;
    };
    expect(define).toThrow(/@logTask is for methods, and stands on a accessor/);
  });

  describeResults(subjects);
  describeStreams(subjects);
  describeKinds(subjects, { private: () => new Hidden() });
  describeNesting(subjects);
  describeOptions(subjects);
  describeDress(subjects);
});
