import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import type { Phospho } from 'phospho-express';
import { record, type Turn } from './conversation.ts';
import { renderPage } from './page.ts';

/** The page may load what this app serves, and nothing else. The element needs no more. */
const SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const MAX_QUESTION = 2000;
const MAX_TURNS = 100;

/** A chat of plain pages and forms. The only script is the element's own, which phospho's router serves. */
export function createServerRenderedApp(phospho: Phospho, turns: Turn[]): Express {
  const app = express();
  app.use(phospho.router()); // POST /phospho/flag, GET /phospho/widget.js
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));

  app.get('/', (_req, res) => {
    // A token is made anew with each page, so answers of any age can be flagged for a day.
    const shown = turns.map((turn) => ({ ...turn, token: phospho.feedbackToken(turn.taskId) }));
    res
      .set({
        'Content-Security-Policy': SECURITY_POLICY,
        'Cache-Control': 'no-store', // tokens are for who asked for the page
      })
      .send(renderPage(shown));
  });

  app.post('/ask', express.urlencoded({ extended: false, limit: '16kb' }), (req, res) => {
    const question = String(req.body?.question ?? '')
      .trim()
      .slice(0, MAX_QUESTION);
    if (question !== '') {
      turns.push(record(phospho, question, answerTo(question)));
      turns.splice(0, turns.length - MAX_TURNS);
    }
    res.redirect(303, '/#question');
  });
  return app;
}

/** Here your model would answer. */
function answerTo(question: string): string {
  return `You asked: “${question}” A model would know.`;
}
