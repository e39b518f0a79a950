import { once } from 'node:events';
import { connect } from 'node:net';
import { MESSAGES } from '../payloads.mjs';
import { summary } from '../runner/figures.mjs';

const BODY = JSON.stringify(MESSAGES);
const REQUEST = [
  'POST / HTTP/1.1',
  'host: bench',
  'content-type: application/json',
  `content-length: ${BODY.length}`,
  '',
  BODY,
].join('\r\n');

/**
 * Sends one request after the other over each connection, for a stretch of time. Over bare sockets: an HTTP
 * client costs as much as the app's own work and would be the limit itself.
 */
export async function load(port, { connections, ms }) {
  const started = performance.now();
  const firstBytes = [];
  await Promise.all(
    Array.from({ length: connections }, () => loop(port, started + ms, firstBytes)),
  );
  return {
    requests: firstBytes.length,
    ms: performance.now() - started,
    firstByteMs: summary(firstBytes).median,
  };
}

/** One request over each of so many connections, all at once; resolves to the seconds that all answers took. */
export async function answersOf(port, connections) {
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, () => answerOf(port)));
  return (performance.now() - started) / 1000;
}

async function answerOf(port) {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let end = '';
  socket.write(REQUEST);
  for await (const chunk of socket) {
    end = (end + chunk).slice(-20);
    if (isWhole(`\r\n\r\n${end}`)) break;
  }
}

async function loop(port, until, firstBytes) {
  const socket = connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1');
  await once(socket, 'connect');
  await new Promise((resolve, reject) => {
    let sentAt;
    let text = '';
    const send = () => {
      text = '';
      sentAt = performance.now();
      socket.write(REQUEST);
    };
    socket.on('data', (chunk) => {
      if (text === '') firstBytes.push(performance.now() - sentAt);
      text += chunk;
      if (!isWhole(text)) return;
      if (!text.startsWith('HTTP/1.1 200')) reject(new Error(text.slice(0, 300)));
      else if (performance.now() < until) send();
      else resolve();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the app closed a connection')));
    send();
  });
  socket.destroy();
}

/** Whether it is the whole response: by its length, or by the last chunk's mark. */
function isWhole(text) {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, headEnd))?.[1];
  return length === undefined
    ? text.endsWith('\r\n0\r\n\r\n')
    : text.length >= headEnd + 4 + Number(length);
}
