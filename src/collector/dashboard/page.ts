/// <reference path="../../virtual.d.ts" />

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Request, Response } from 'express';
import { HttpError } from '../http/http-error.ts';

const unzip = promisify(gunzip);

let loaded: Promise<Record<string, ZippedAsset>> | undefined;

/** Loaded with the first page: most collectors that start in a test never show one. */
function assets(): Promise<Record<string, ZippedAsset>> {
  loaded ??= import('virtual:phospho-dashboard').then((module) => module.default);
  return loaded;
}

/** The page of every path of the dashboard: its script does the rest. */
export async function sendPage(req: Request, res: Response): Promise<void> {
  const files = await assets();
  const url = (name: string): string =>
    `${escaped(req.baseUrl)}/assets/${files[name]?.hash}/${name}`;
  res.type('html').send(`<!doctype html>
<html lang="en" data-base="${escaped(req.baseUrl)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>phospho</title>
<link rel="icon" type="image/svg+xml" href="${escaped(req.baseUrl)}/assets/icon/favicon.svg">
<link rel="stylesheet" href="${url('app.css')}">
<script type="module" src="${url('app.js')}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This dashboard needs JavaScript. The same data is below /v2 as JSON.</noscript>
</body>
</html>
`);
}

/** Names hold a hash of the content, so that a browser need never ask twice. */
export async function sendAsset(req: Request, res: Response): Promise<void> {
  const name = String(req.params.name);
  if (name === 'favicon.svg') {
    res.set('cache-control', 'public, max-age=86400').type('svg').send(FAVICON);
    return;
  }
  const files = await assets();
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  if (file === undefined) throw new HttpError(404, `No such file: ${name}`);
  const isCurrent = file.hash === req.params.hash;
  res.set({
    'cache-control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-store',
    vary: 'accept-encoding',
  });
  res.type(file.type);
  const zipped = Buffer.from(file.zipped, 'base64');
  if (req.acceptsEncodings('gzip') === false) res.send(await unzip(zipped));
  else res.set('content-encoding', 'gzip').send(zipped);
}

const FAVICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#0f766e"/>
<path d="M9 10.5A2.5 2.5 0 0 1 11.5 8h9a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.5 2.5H16l-4.2 4.1c-.5.5-1.3.1-1.3-.6V19A2.5 2.5 0 0 1 9 16.5z" fill="#fff"/>
<circle cx="16" cy="13.5" r="2.5" fill="#0f766e"/>
</svg>
`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
