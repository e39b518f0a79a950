/// <reference path="../virtual.d.ts" />

import type { AppRequest, AppResponse } from './types.ts';

/** Seconds that a browser may use the script before it asks again: an update of the app is seen within the hour. */
const MAX_AGE_SECONDS = 3600;

/**
 * Answers `GET /phospho/widget.js`: the code of `<phospho-feedback>`, the same for everyone. A page of another
 * origin may load it too, as module scripts need CORS.
 */
export async function sendWidgetScript(req: AppRequest, res: AppResponse): Promise<void> {
  // Loaded when a page first asks: an app that uses its own bundle, or none, never holds it.
  const { default: assets } = await import('virtual:phospho-widget');
  const { hash, body } = assets['widget.js'];
  const etag = `"${hash}"`;
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`);
  res.setHeader('Access-Control-Allow-Origin', '*');
  if (isKnown(req.headers['if-none-match'], etag)) {
    res.statusCode = 304;
    res.end();
    return;
  }
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/javascript; charset=utf-8');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Proxies that compress make an ETag weak. */
function isKnown(header: string | undefined, etag: string): boolean {
  return (
    header?.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag) ?? false
  );
}
