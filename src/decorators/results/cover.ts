/** Puts an own method before an inherited one; false where the object is frozen. */
export function cover(target: object, name: string | symbol, value: unknown): boolean {
  return Reflect.defineProperty(target, name, { value, configurable: true, writable: true });
}

const getters = new WeakMap<object, () => unknown>();

/** Puts an own getter before the one that a member has, which sees what that one answers. */
export function coverGetter(target: object, name: string, see: (value: unknown) => void): void {
  const property = accessorOf(target, name);
  if (property?.get === undefined) return;
  const original = getters.get(property.get) ?? property.get;
  const get = function (this: unknown): unknown {
    const value: unknown = Reflect.apply(original, this, []);
    see(value);
    return value;
  };
  getters.set(get, original);
  Reflect.defineProperty(target, name, {
    get,
    ...(property.set && { set: property.set }),
    configurable: true,
  });
}

/** The getter by which a member is made, wherever in the chain of prototypes it stands. */
export function accessorOf(target: object, name: string): PropertyDescriptor | undefined {
  for (let holder: object | null = target; holder; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property.get && property;
  }
  return undefined;
}
