import { once } from 'node:events';
import { Duplex, PassThrough, pipeline, Readable, Stream, Writable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import {
  all,
  collect,
  failed,
  type Kind,
  left,
  type Trace,
  text,
  unread,
  type Way,
} from './kind.ts';

function readWith(trace: Trace, encode: (piece: string) => unknown) {
  return {
    highWaterMark: 1,
    read(this: Readable) {
      let piece: string | undefined;
      try {
        piece = trace.pull();
      } catch (error) {
        this.destroy(error as Error);
        return;
      }
      this.push(piece === undefined ? null : encode(piece));
    },
    destroy(error: Error | null, done: (error: Error | null) => void) {
      trace.left(error?.message ?? 'nothing');
      done(error);
    },
  };
}

function sink(taken: unknown[]): Writable {
  return new Writable({
    objectMode: true,
    write(chunk, _encoding, done) {
      taken.push(text(chunk));
      done();
    },
  });
}

const ways: { [how: string]: Way<Readable> } = {
  'not at all': { read: (made) => made.readableFlowing, recorded: undefined },
  'by for await': { read: collect, recorded: all },
  'until it leaves': {
    recorded: left,
    async read(made) {
      for await (const item of made) return text(item);
      return undefined;
    },
  },
  'by a listener': {
    recorded: all,
    async read(made) {
      const seen: unknown[] = [];
      made.on('data', (item) => seen.push(text(item)));
      await once(made, 'end');
      return seen;
    },
  },
  'by a listener that pauses it': {
    recorded: all,
    async read(made) {
      const seen: unknown[] = [];
      made.on('data', (item) => {
        seen.push(text(item), made.isPaused());
        made.pause();
        setImmediate(() => made.resume());
      });
      await once(made, 'end');
      return seen;
    },
  },
  'by read()': {
    recorded: all,
    async read(made) {
      const seen: unknown[] = [];
      made.on('readable', () => {
        for (let item = made.read(); item !== null; item = made.read()) seen.push(text(item));
      });
      await once(made, 'end');
      return [seen.join(''), made.readableFlowing];
    },
  },
  'by pipe()': {
    recorded: all,
    async read(made) {
      const taken: unknown[] = [];
      const end = sink(taken);
      const given = made.pipe(end) === end;
      await once(end, 'finish');
      return [given, taken];
    },
  },
  'by pipe() that is undone': {
    recorded: undefined,
    async read(made) {
      const end = sink([]);
      made.pipe(end);
      made.unpipe(end);
      return [made.readableFlowing, made.listenerCount('data')];
    },
  },
  'by pipeline()': {
    recorded: all,
    async read(made) {
      const taken: unknown[] = [];
      await piped(made, new PassThrough({ objectMode: true }), sink(taken));
      return taken;
    },
  },
  'by toWeb()': { read: (made) => collect(Readable.toWeb(made) as never), recorded: all },
  'by nobody, since it is destroyed': {
    recorded: unread,
    async read(made) {
      made.destroy();
      await once(made, 'close');
      return made.destroyed;
    },
  },
  'by nobody, since it is destroyed with an error': {
    recorded: { outcome: 'error', output: '' },
    async read(made) {
      const failure = new Error('destroyed');
      const caught = once(made, 'error');
      made.destroy(failure);
      return (await caught)[0] === failure;
    },
  },
  'by nobody who listens to its error': {
    recorded: { outcome: 'error', output: '' },
    read(made) {
      const failure = new Error('emitted');
      const counts = made.eventNames().map((name) => [name, made.listenerCount(name)]);
      try {
        made.emit('error', failure);
        return 'nothing was thrown';
      } catch (error) {
        return [error === failure, counts];
      }
    },
  },
  'whole, and it fails': { fails: true, read: collect, recorded: failed },
  'by pipeline(), and it fails': {
    fails: true,
    recorded: failed,
    async read(made, { failure }) {
      const taken: unknown[] = [];
      const error = await new Promise((resolve) => pipeline(made, sink(taken), resolve));
      return [error === failure, taken];
    },
  },
};

const byteWays: { [how: string]: Way<Readable> } = {
  'as text': {
    recorded: all,
    async read(made) {
      made.setEncoding('utf8');
      return collect(made);
    },
  },
  'one byte at a time': {
    recorded: all,
    async read(made) {
      const seen: unknown[] = [];
      made.on('readable', () => {
        for (let item = made.read(1); item !== null; item = made.read(1)) seen.push(text(item));
      });
      await once(made, 'end');
      return seen;
    },
  },
};

export const nodeBytes: Kind<Readable> = {
  make: (trace) => new Readable(readWith(trace, (piece) => Buffer.from(piece))),
  ways: { ...ways, ...byteWays },
};

export const nodeObjects: Kind<Readable> = {
  make: (trace) => new Readable({ ...readWith(trace, String), objectMode: true }),
  ways,
};

export const nodeDuplex: Kind<Readable> = {
  make: (trace) =>
    new Duplex({
      ...readWith(trace, Buffer.from),
      write: (_chunk: unknown, _encoding: unknown, done: () => void) => done(),
      allowHalfOpen: false,
    } as never),
  ways,
};

export const nodeFrom: Kind<Readable> = {
  make: (trace) =>
    Readable.from(
      (async function* () {
        for (let piece = trace.pull(); piece !== undefined; piece = trace.pull()) yield piece;
      })(),
    ),
  ways,
};

/** Of before Node's streams had `read()`. */
class OldStream extends Stream {
  readable = true;
}

export const nodeOld: Kind<Stream> = {
  make(trace) {
    const stream = new OldStream();
    setImmediate(() => {
      for (let piece = trace.pull(); piece !== undefined; piece = trace.pull()) {
        stream.emit('data', piece);
      }
      stream.emit('end');
    });
    return stream;
  },
  ways: {
    'by pipe()': {
      recorded: all,
      async read(made) {
        const taken: unknown[] = [];
        await once(made.pipe(sink(taken)), 'finish');
        return taken;
      },
    },
  },
};
