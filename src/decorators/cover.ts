/** Puts an own method before an inherited one; false where the object is frozen. */
export function cover(target: object, name: string | symbol, value: unknown): boolean {
  return Reflect.defineProperty(target, name, { value, configurable: true, writable: true });
}
