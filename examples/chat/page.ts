import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';

const FILES = fileURLToPath(new URL('public', import.meta.url));

/** The page may load what this app serves, and nothing else. */
const SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The chat page for browsers; for `curl` and its like, the lines to ask and to flag with. */
export function chatPage(): Router {
  const router = Router();
  router.use((_req, res, next) => {
    res.set({
      'Content-Security-Policy': SECURITY_POLICY,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    });
    next();
  });
  router.get('/', (req, res, next) => {
    res.vary('Accept');
    if (req.accepts(['text', 'html']) === 'html') next();
    else res.type('text').send(howTo(`${req.protocol}://${req.get('host')}`));
  });
  router.use(express.static(FILES));
  return router;
}

function howTo(url: string): string {
  return `A chat app whose exchanges phospho-express captures. Its page is for browsers.

Ask something (the answer's headers have X-Phospho-Task-Id and X-Phospho-Feedback-Token):
  curl -i ${url}/api/chat -H 'content-type: application/json' \\
    -d '{"session_id": "my-chat", "messages": [{"role": "user", "content": "Hello!"}], "stream": true}'

Give the answer a thumb:
  curl ${url}/phospho/flag -H 'content-type: application/json' \\
    -d '{"task_id": "…", "token": "…", "raw_flag": "👍", "notes": "spot on"}'
`;
}
