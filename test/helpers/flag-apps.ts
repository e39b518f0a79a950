import type { RequestListener } from 'node:http';
import type { Phospho, RouterOptions } from 'phospho-express';
import { EXPRESS_VERSIONS } from './express-versions.ts';

/** An app with the feedback route, and `here` as the answer to everything else. */
export type MakeFlagApp = (phospho: Phospho, options?: RouterOptions) => RequestListener;

/** For `describe.each`: the route before all parsers, behind them, and without Express. */
export const FLAG_APPS: readonly [name: string, make: MakeFlagApp][] = [
  ...EXPRESS_VERSIONS.flatMap(([name, express]): [string, MakeFlagApp][] => {
    const make =
      (isBehindParsers: boolean): MakeFlagApp =>
      (phospho, options) => {
        const app = express();
        if (isBehindParsers) app.use(express.json(), express.urlencoded({ extended: true }));
        app.use(phospho.router(options));
        app.use((_req, res) => void res.send('here'));
        return app;
      };
    return [
      [name, make(false)],
      [`${name}, behind parsers`, make(true)],
    ];
  }),
  [
    'node:http',
    (phospho, options) => {
      const router = phospho.router(options);
      return (req, res) => router(req, res, () => void res.end('here'));
    },
  ],
];
