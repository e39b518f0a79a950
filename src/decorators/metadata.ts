import { defineMetadata, getMetadata } from 'reflect-metadata/no-conflict';
import { sharedSymbol } from '../internal/brand.ts';
import type { AnyFunction } from './call-options.ts';

/** What is stored of a decorated method. */
export interface TaskMetadata {
  name: string;
}

const KEY = sharedSymbol('task');

interface GlobalReflect {
  getOwnMetadataKeys?(target: object): unknown[];
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

/**
 * Makes a wrapper pass for what it wraps: name, length, own properties and all reflect-metadata, which
 * NestJS' guards and pipes read off the function; losing it would open doors.
 */
export function dressAs(wrapper: AnyFunction, original: AnyFunction): void {
  // Whether a function is async is told by its prototype's tag: some libraries call such ones otherwise.
  Object.setPrototypeOf(wrapper, Object.getPrototypeOf(original));
  for (const key of Reflect.ownKeys(original)) {
    const property = Object.getOwnPropertyDescriptor(original, key);
    if (property !== undefined) Reflect.defineProperty(wrapper, key, property);
  }
  copyMetadata(original, wrapper);
}

/** Feature-detected: without reflect-metadata in the app there is nothing to copy. */
function copyMetadata(from: object, to: object): void {
  const reflect = Reflect as GlobalReflect;
  if (!reflect.getOwnMetadataKeys || !reflect.getOwnMetadata || !reflect.defineMetadata) return;
  for (const key of reflect.getOwnMetadataKeys(from)) {
    reflect.defineMetadata(key, reflect.getOwnMetadata(key, from), to);
  }
}

export function storeTask(method: AnyFunction, metadata: TaskMetadata): void {
  defineMetadata(KEY, metadata, method);
}

/** What `@logTask` stored of a method; undefined if it is not decorated. */
export function taskMetadata(method: AnyFunction): TaskMetadata | undefined {
  return getMetadata(KEY, method) as TaskMetadata | undefined;
}
