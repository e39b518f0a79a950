/**
 * One process may load both copies of this package (ESM and CJS). What they share lives under keys of
 * `Symbol.for`, with the version of the contract in the name.
 */
export const NAMESPACE: string = 'phospho-express.v1';

/** The shared symbol of a name, equal in every copy of the package. */
export function sharedSymbol(name: string): symbol {
  return Symbol.for(`${NAMESPACE}.${name}`);
}
