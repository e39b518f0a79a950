import { fork } from 'node:child_process';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

/** Longer than any command takes that is not stuck. */
const ANSWER_WITHIN_MS = 120_000;
/** Characters of a child's output that are kept for the message if it fails. */
const KEPT_OUTPUT = 2_000;

const running = new Set();

/** Ends whatever a suite that failed has left behind. */
export async function stopAll() {
  await Promise.all([...running].map((stop) => stop()));
}

/**
 * Starts `bench/processes/NAME.mjs` and resolves once it serves: `ask(command, input)` resolves to the
 * command's answer, `stop()` once the process has ended. What it prints is shown only if it fails.
 */
export async function start(name, config = {}) {
  const path = fileURLToPath(new URL(`../processes/${name}.mjs`, import.meta.url));
  const child = fork(path, [JSON.stringify(config)], {
    env: withoutOurVariables(process.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const waiting = new Map();
  let output = '';
  // Not 'close': it does not come once the channel has been disconnected from this side.
  const over = [once(child, 'exit'), finished(child.stdout), finished(child.stderr)];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-KEPT_OUTPUT);
    });
  }
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject, timer } = waiting.get(id) ?? {};
    waiting.delete(id);
    clearTimeout(timer);
    if (error === undefined) resolve?.(answer);
    else reject?.(new Error(`${name}: ${error}`));
  });
  const ended = Promise.all(over).then(([[code, signal]]) => {
    const error = new Error(`${name} ended with ${signal ?? code}: ${output.trim()}`);
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    waiting.clear();
  });
  let last = 0;
  const ask = (command, input) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      const timer = setTimeout(() => {
        waiting.delete(id);
        child.kill('SIGKILL');
        reject(new Error(`${name}: no answer to "${command}" within ${ANSWER_WITHIN_MS} ms`));
      }, ANSWER_WITHIN_MS);
      waiting.set(id, { resolve, reject, timer });
      child.send({ id, command, input }, (error) => error && reject(error));
    });
  const stop = async () => {
    if (child.connected) child.disconnect();
    await ended;
    running.delete(stop);
  };
  running.add(stop);
  await ask('hello');
  return { ask, stop };
}

/** A contender is configured by the bench alone. */
function withoutOurVariables(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PHOSPHO_')));
}
