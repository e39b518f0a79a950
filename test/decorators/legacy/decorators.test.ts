import { logTask } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { describeDress } from '../cases/dress.ts';
import { describeKinds } from '../cases/kinds.ts';
import { describeNesting } from '../cases/nesting.ts';
import { describeOptions } from '../cases/options.ts';
import { describeResults } from '../cases/results.ts';
import { describeStreams } from '../cases/streams.ts';
import * as subjects from './subjects.ts';

// biome-ignore lint/suspicious/noExplicitAny: what the compiler refuses is written on purpose here
const careless: any = logTask;

describe('legacy decorators', () => {
  it('are what this folder is compiled to', () => {
    const { prototype } = subjects.Probed;
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'method');
    expect(subjects.handed).toEqual([[prototype, 'method', descriptor]]);
  });

  it('on a parameter throw, and say what to write', () => {
    const ofMethod = (): unknown => {
      class Wrong {
        method(@careless() _value: string): void {}
      }
      return Wrong;
    };
    const ofConstructor = (): unknown => {
      class Wrong {
        readonly value: string;
        constructor(@careless() value: string) {
          this.value = value;
        }
      }
      return Wrong;
    };
    for (const define of [ofMethod, ofConstructor]) {
      expect(define).toThrow(/@logTask is for methods, and stands on a parameter/);
    }
  });

  it('without parentheses on a parameter throw, and say so', () => {
    const define = (): unknown => {
      class Wrong {
        method(@careless _value: string): void {}
      }
      return Wrong;
    };
    expect(define).toThrow(/with parentheses/);
  });

  describeResults(subjects);
  describeStreams(subjects);
  describeKinds(subjects);
  describeNesting(subjects);
  describeOptions(subjects);
  describeDress(subjects);
});
