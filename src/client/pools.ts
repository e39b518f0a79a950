import type { Agent, Dispatcher } from 'undici';
import { CONNECTIONS, MAX_ANSWER_BYTES, TIMEOUTS } from './limits.ts';
import { Slots } from './slots.ts';

export type PoolName = keyof typeof CONNECTIONS;
export type Undici = typeof import('undici');

let loading: Promise<Undici> | undefined;

/** Loaded at the first call: importing it takes longer than the rest of the package together. */
export function loadUndici(): Promise<Undici> {
  loading ??= import('undici');
  return loading;
}

/** A socket pool and the turns at it. */
export interface Pool {
  dispatcher: Dispatcher;
  slots: Slots;
}

/** The client's own sockets, made when first needed, or the user's dispatcher in their place. */
export class Pools {
  readonly #foreign: Pool | undefined;
  readonly #own: Map<PoolName, Pool & { dispatcher: Agent }> = new Map();

  constructor(dispatcher: Dispatcher | undefined) {
    this.#foreign = dispatcher && { dispatcher, slots: new Slots(Number.POSITIVE_INFINITY) };
  }

  get(name: PoolName, undici: Undici): Pool {
    if (this.#foreign !== undefined) return this.#foreign;
    let pool = this.#own.get(name);
    if (pool === undefined) {
      const connections = CONNECTIONS[name];
      const dispatcher = new undici.Agent({
        connections,
        pipelining: 1,
        allowH2: false,
        connect: { timeout: TIMEOUTS.connect },
        maxResponseSize: MAX_ANSWER_BYTES,
      });
      pool = { dispatcher, slots: new Slots(connections) };
      this.#own.set(name, pool);
    }
    return pool;
  }

  /** Closes the client's own sockets once they are idle. The user's dispatcher is left alone. */
  async close(): Promise<void> {
    const open = this.#agents().filter(({ destroyed }) => !destroyed);
    await Promise.all(open.map((agent) => agent.close()));
  }

  /** The same at once, whatever they are doing. */
  async destroy(): Promise<void> {
    await Promise.all(this.#agents().map((agent) => agent.destroy()));
  }

  #agents(): Agent[] {
    return [...this.#own.values()].map(({ dispatcher }) => dispatcher);
  }
}
