import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import {
  all,
  collect,
  failed,
  type Kind,
  left,
  settled,
  type Trace,
  text,
  unread,
  type Way,
} from './kind.ts';

type Web = ReadableStream<unknown>;

function sourceOf(trace: Trace, encode: (piece: string) => unknown) {
  return {
    pull(controller: ReadableStreamDefaultController<unknown>) {
      const piece = trace.pull();
      if (piece === undefined) controller.close();
      else controller.enqueue(encode(piece));
    },
    cancel: (reason: unknown) => trace.left(reason),
  };
}

const encode = (piece: string): Uint8Array => new TextEncoder().encode(piece);

/** A writer that takes what it is given, and tells of it. */
function sink(taken: unknown[], failure?: Error): WritableStream<unknown> {
  return new WritableStream({
    write(chunk) {
      taken.push(text(chunk));
      if (failure) throw failure;
    },
    close: () => void taken.push('closed'),
    abort: (reason) => void taken.push('aborted', reason),
  });
}

async function readBy(reader: ReadableStreamDefaultReader<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return items;
    items.push(text(value));
  }
}

async function rest(made: Web): Promise<unknown[]> {
  const reader = made.getReader();
  const items = await readBy(reader);
  reader.releaseLock();
  return items;
}

async function leaveBranches(made: Web): Promise<unknown[]> {
  const readers = made.tee().map((branch) => branch.getReader());
  const items = await Promise.all(readers.map((reader) => reader.read()));
  await settled();
  await Promise.all(readers.map((reader, index) => reader.cancel(`branch ${index}`)));
  return items.map((item) => text(item.value));
}

const ways: { [how: string]: Way<Web> } = {
  'not at all': { read: (made) => made.locked, recorded: undefined },
  'by a reader that reads once': {
    recorded: undefined,
    read: async (made) => text((await made.getReader().read()).value),
  },
  'by for await': { read: collect, recorded: all },
  'by a reader': { read: rest, recorded: all },
  'by two readers, one after the other': {
    recorded: all,
    async read(made) {
      const first = made.getReader();
      const { value } = await first.read();
      // A decorated read takes one turn of microtasks more.
      await settled();
      const waiting = first.read().catch((error: unknown) => (error as Error).name);
      first.releaseLock();
      return [text(value), await waiting, await rest(made)];
    },
  },
  'by an iterator that gives it back': {
    recorded: all,
    async read(made) {
      const seen: unknown[] = [];
      for await (const item of made.values({ preventCancel: true })) {
        seen.push(text(item));
        break;
      }
      return [...seen, made.locked, await rest(made)];
    },
  },
  'until it leaves': {
    recorded: left,
    async read(made) {
      for await (const item of made) return text(item);
      return undefined;
    },
  },
  'by nobody, since it is cancelled': {
    recorded: unread,
    read: (made) => made.cancel('unwanted'),
  },
  'by a reader that cancels': {
    recorded: left,
    async read(made) {
      const reader = made.getReader();
      await reader.read();
      const refused = await made.cancel('locked').catch((error: unknown) => (error as Error).name);
      return [refused, await reader.cancel('enough'), made.locked];
    },
  },
  'by pipeTo': {
    recorded: all,
    async read(made) {
      const taken: unknown[] = [];
      const piped = made.pipeTo(sink(taken));
      const { locked } = made;
      await piped;
      return [taken, locked, made.locked];
    },
  },
  'by pipeTo, which keeps the other end open': {
    recorded: all,
    async read(made) {
      const taken: unknown[] = [];
      const end = sink(taken);
      await made.pipeTo(end, { preventClose: true });
      return [taken, end.locked];
    },
  },
  'by pipeTo to what fails': {
    recorded: left,
    async read(made) {
      const failure = new Error('the sink');
      const taken: unknown[] = [];
      const caught = await made.pipeTo(sink(taken, failure)).catch((error: unknown) => error);
      return [caught === failure, taken, made.locked];
    },
  },
  'by pipeTo to what fails, and then by a reader': {
    recorded: all,
    async read(made) {
      const failure = new Error('the sink');
      const piped = made.pipeTo(sink([], failure), { preventCancel: true });
      const caught = await piped.catch((error: unknown) => error);
      return [caught === failure, made.locked, await rest(made)];
    },
  },
  'by pipeTo until a signal, and then by a reader': {
    recorded: all,
    async read(made) {
      const controller = new AbortController();
      const taken: unknown[] = [];
      const end = new WritableStream({
        write(chunk) {
          taken.push(text(chunk));
          controller.abort('stop');
        },
      });
      const { signal } = controller;
      const piped = made.pipeTo(end, { preventCancel: true, signal });
      const reason = await piped.catch((error: unknown) => error);
      return [reason, made.locked, taken, await rest(made)];
    },
  },
  'by pipeTo with a signal that was given before': {
    recorded: unread,
    async read(made) {
      const piped = made.pipeTo(sink([]), { signal: AbortSignal.abort('before') });
      return [await piped.catch((error: unknown) => error), made.locked];
    },
  },
  'by nobody, since pipeTo is refused': {
    recorded: undefined,
    async read(made) {
      const end = sink([]);
      end.getWriter();
      const refusals = [made.pipeTo(end), made.pipeTo({} as WritableStream)];
      const names = refusals.map((each) => each.catch((error: unknown) => (error as Error).name));
      return [await Promise.all(names), made.locked];
    },
  },
  'by nobody, since pipeThrough is refused': {
    recorded: undefined,
    read(made) {
      const pairs = [undefined, {}, { readable: made, writable: {} }];
      const names = pairs.map((pair) => {
        try {
          return made.pipeThrough(pair as never);
        } catch (error) {
          return (error as Error).name;
        }
      });
      return [names, made.locked];
    },
  },
  'by pipeThrough': {
    recorded: all,
    async read(made) {
      const items = await collect(made.pipeThrough(new TransformStream()));
      return [items, made.locked];
    },
  },
  'by pipeThrough that nobody reads': {
    recorded: undefined,
    async read(made) {
      const through = made.pipeThrough(new TransformStream());
      return [through.locked, made.locked];
    },
  },
  'by both of its branches': {
    recorded: all,
    async read(made) {
      const [a, b] = made.tee();
      return [await Promise.all([collect(a), collect(b)]), made.locked];
    },
  },
  'by no branch of it': {
    recorded: undefined,
    read: (made) => [made.tee().length, made.locked],
  },
  'until both branches leave': {
    // Branches read one piece ahead.
    recorded: { outcome: 'aborted', output: 'One two ' },
    read: leaveBranches,
  },
  'whole, and it fails': {
    fails: true,
    recorded: failed,
    read: collect,
  },
  'by a reader, and it fails': {
    fails: true,
    recorded: failed,
    async read(made, { failure }) {
      const reader = made.getReader();
      const error = await readBy(reader).catch((caught: unknown) => caught);
      const closed = await reader.closed.catch((caught: unknown) => caught);
      return [error === failure, closed === failure];
    },
  },
  'by pipeTo, and it fails': {
    fails: true,
    recorded: failed,
    async read(made, { failure }) {
      const taken: unknown[] = [];
      const error = await made.pipeTo(sink(taken)).catch((caught: unknown) => caught);
      return [error === failure, taken.map((each) => each === failure || each), made.locked];
    },
  },
  'by a branch, and it fails': {
    fails: true,
    recorded: failed,
    async read(made, { failure }) {
      const both = made.tee().map((branch) => collect(branch).catch((caught: unknown) => caught));
      return (await Promise.all(both)).map((caught) => caught === failure);
    },
  },
};
const byteWays: { [how: string]: Way<Web> } = {
  'by a Response': { read: (made) => new Response(made as never).text(), recorded: all },
  'by a Response and its clone': {
    recorded: all,
    read(made) {
      const response = new Response(made as never);
      return Promise.all([response.clone().text(), response.text()]);
    },
  },
  'by a stream of Node’s': {
    read: (made) => textOf(Readable.fromWeb(made as never)),
    recorded: all,
  },
  'by node:stream/consumers': { read: (made) => textOf(made as never), recorded: all },
  'through a decoder': {
    recorded: all,
    read: (made) => collect(made.pipeThrough(new TextDecoderStream() as never)),
  },
  'where it was transferred to': {
    recorded: undefined,
    read: (made) => collect(structuredClone(made, { transfer: [made as never] }) as Web),
  },
};

async function readInto(made: Web, size: number): Promise<{ items: unknown[]; end: unknown }> {
  const reader = made.getReader({ mode: 'byob' });
  const items: unknown[] = [];
  let view = new Uint8Array(size);
  for (;;) {
    const { done, value } = (await reader.read(view)) as { done: boolean; value: Uint8Array };
    if (done) return { items, end: [value.byteLength, value.buffer.byteLength] };
    items.push([text(value), view.byteLength === 0, value.buffer.byteLength]);
    view = new Uint8Array(value.buffer as ArrayBuffer);
  }
}

const byobWays: { [how: string]: Way<Web> } = {
  'into buffers of its reader': { read: (made) => readInto(made, 100), recorded: all },
  'into buffers that are too small': { read: (made) => readInto(made, 3), recorded: all },
  'into no buffer at all, and then by a reader': {
    recorded: all,
    async read(made) {
      const reader = made.getReader({ mode: 'byob' });
      const refused = await reader.read(new Uint8Array(0)).catch((error: unknown) => error);
      reader.releaseLock();
      return [(refused as Error).name, await rest(made)];
    },
  },
  'by a branch into buffers, and by one without': {
    recorded: all,
    async read(made) {
      const [a, b] = made.tee();
      return Promise.all([readInto(a, 4), collect(b)]);
    },
  },
};

export const webTexts: Kind<Web> = {
  make: (trace) => new ReadableStream(sourceOf(trace, String), { highWaterMark: 0 }),
  ways,
};

/** Its source reads ahead by itself, as is the default. */
export const webAhead: Kind<Web> = {
  make: (trace) => new ReadableStream(sourceOf(trace, String)),
  ways: Object.fromEntries(Object.entries(ways).filter(([, way]) => !way.fails)),
};

export const webBytes: Kind<Web> = {
  make: (trace) => new ReadableStream(sourceOf(trace, encode), { highWaterMark: 0 }),
  ways: { ...ways, ...byteWays },
};

export const webByob: Kind<Web> = {
  make: (trace) => {
    const { cancel } = sourceOf(trace, encode);
    return new ReadableStream({
      type: 'bytes',
      pull(controller: ReadableByteStreamController) {
        const piece = trace.pull();
        if (piece !== undefined) controller.enqueue(encode(piece));
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
      cancel,
    } as never) as Web;
  },
  ways: {
    ...ways,
    ...byteWays,
    ...byobWays,
    // Of a stream of bytes they do not.
    'until both branches leave': { recorded: left, read: leaveBranches },
  },
};

class OwnStream extends ReadableStream<unknown> {
  readonly label = 'own';
}

export const webSubclass: Kind<Web> = {
  make: (trace) => new OwnStream(sourceOf(trace, String), { highWaterMark: 0 }),
  ways,
};

/** As the AI SDK's: it is iterated by a reader that it takes itself. */
export const webOwnIterator: Kind<Web> = {
  make(trace) {
    const stream: Web = new ReadableStream(sourceOf(trace, String), { highWaterMark: 0 });
    const iterate = function (this: Web) {
      const reader = this.getReader();
      return {
        next: () => reader.read(),
        return: async () => {
          await reader.cancel('left');
          reader.releaseLock();
          return { done: true, value: undefined };
        },
      };
    };
    return Object.assign(stream, { [Symbol.asyncIterator]: iterate });
  },
  ways,
};

/** The same, with a reader that it takes when it is read. */
export const webLateIterator: Kind<Web> = {
  make(trace) {
    const stream: Web = new ReadableStream(sourceOf(trace, String), { highWaterMark: 0 });
    const iterate = async function* (this: Web) {
      const reader = this.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          yield value;
        }
      } finally {
        await reader.cancel('left');
        reader.releaseLock();
      }
    };
    return Object.assign(stream, { [Symbol.asyncIterator]: iterate });
  },
  ways: { 'by for await': ways['by for await']!, 'until it leaves': ways['until it leaves']! },
};
