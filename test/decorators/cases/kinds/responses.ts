import { all, collect, failed, type Kind, left, text, type Way } from './kind.ts';
import { webBytes } from './web.ts';

const ways: { [how: string]: Way<Response> } = {
  'not at all': { read: (made) => [made.status, made.bodyUsed, made.ok], recorded: undefined },
  'by text()': {
    recorded: all,
    read: async (made) => [await made.text(), made.bodyUsed],
  },
  'by arrayBuffer()': {
    recorded: all,
    read: async (made) => (await made.arrayBuffer()).byteLength,
  },
  'by blob()': { recorded: all, read: async (made) => (await made.blob()).text() },
  'by json(), which it is not': { recorded: all, read: (made) => made.json() },
  'by text(), twice': {
    recorded: all,
    read: async (made) => {
      await made.text();
      return made.text();
    },
  },
  'by its body': { recorded: all, read: (made) => collect(made.body as never) },
  'by its body, which stays the same': {
    recorded: undefined,
    read: (made) => new Set([made.body, made.body]).size,
  },
  'by its body, until it leaves': {
    recorded: left,
    async read(made) {
      for await (const item of made.body as never as AsyncIterable<unknown>) return text(item);
      return undefined;
    },
  },
  'by itself and a clone': {
    recorded: all,
    read: (made) => Promise.all([made.clone().text(), made.text()]),
  },
  'in another Response': { recorded: all, read: (made) => new Response(made.body).text() },
  'whole, and it fails': {
    fails: true,
    recorded: failed,
    async read(made, { failure }) {
      const error = await made.text().catch((caught: unknown) => caught);
      return error === failure || (error as Error).name;
    },
  },
};

export const response: Kind<Response> = {
  make: (trace) =>
    new Response(webBytes.make(trace) as never, { headers: { 'content-type': 'text/plain' } }),
  ways,
};
