// An ESM app that has installed the tarball: logs a task to the collector whose address it is given.
import assert from 'node:assert/strict';
import express from 'express';
import { logTask, Phospho, PhosphoError, wrap } from 'phospho-express';
import { Client } from 'phospho-express/client';
import { createCollector } from 'phospho-express/collector';
import { InMemoryExporter, isBalanced } from 'phospho-express/testing';
import { PhosphoFeedback } from 'phospho-express/widget';

assert.equal(typeof createCollector, 'function');
assert.equal(typeof logTask(), 'function');
assert.equal(typeof InMemoryExporter, 'function');
// Imported where there are no elements, as a page that is rendered on a server does.
assert.equal(typeof PhosphoFeedback, 'function');
assert.equal(typeof express().use(new Phospho().middleware()), 'function');

const phospho = new Phospho();
const answer = wrap(async (question) => `echo: ${question}`);
assert.equal(await answer('from ESM'), 'echo: from ESM');
// Strict code knows calls without a `this`, and so does what is wrapped.
const self = wrap(function self() {
  return this;
});
assert.deepEqual([self(), self.call(5)], [undefined, 5]);
const { taskId } = phospho.log({ input: 'logged by ESM', output: 'yes', sessionId: 'esm' });
const ledger = await phospho.shutdown();
assert.ok(isBalanced(ledger));
assert.equal(ledger.events.delivered, 1);

const task = await new Client().tasks.get(taskId);
assert.equal(task.content.input, 'logged by ESM');
await assert.rejects(new Client().tasks.get('task_unknown'), PhosphoError);
console.log('ok');
