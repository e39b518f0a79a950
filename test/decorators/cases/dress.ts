import { PhosphoArgumentError } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { taskMetadata } from '../../../src/decorators/metadata.ts';
import type { Subjects } from './subjects.ts';

export function describeDress({ Guarded, misuses, bare }: Subjects): void {
  describe('a decorated method passes for what it decorates', () => {
    const method = Guarded.prototype.enter;

    it('with all metadata, whether it was set below or above', () => {
      expect(Reflect.getMetadata('below', method)).toEqual(['owner']);
      expect(Reflect.getMetadata('above', method)).toEqual(['admin']);
      expect(Reflect.getOwnMetadataKeys(method)).toEqual(
        expect.arrayContaining(['above', 'below']),
      );
    });

    it('with its own properties', () => {
      expect({ ...method }).toEqual({ below: ['owner'], above: ['admin'] });
      expect(method).toHaveLength(2);
    });

    it('and tells what it is recorded as', () => {
      expect(taskMetadata(method)).toEqual({ name: 'guarded' });
      expect(taskMetadata(() => {})).toBeUndefined();
    });
  });

  describe('the decorator in a wrong place', () => {
    it.each(Object.keys(misuses))('on a %s throws, and says what to write', (on) => {
      expect(misuses[on]).toThrow(PhosphoArgumentError);
      expect(misuses[on]).toThrow(/@logTask is for methods.*wrap\(function/);
    });

    it.each(Object.keys(bare))('without parentheses on a %s throws, and says so', (on) => {
      expect(bare[on]).toThrow(PhosphoArgumentError);
      expect(bare[on]).toThrow(/with parentheses/);
    });
  });
}
