// A CommonJS app that has installed the tarball: the same as consumer.mjs, through require().
const assert = require('node:assert/strict');
const express = require('express');
const { Phospho, PhosphoError, wrap } = require('phospho-express');
const { Client } = require('phospho-express/client');
const { createCollector } = require('phospho-express/collector');
const { isBalanced } = require('phospho-express/testing');
const { PhosphoFeedback } = require('phospho-express/widget');

async function main() {
  assert.equal(typeof createCollector, 'function');
  assert.equal(typeof PhosphoFeedback, 'function');
  assert.equal(typeof express().use(new Phospho().middleware()), 'function');
  const phospho = new Phospho();
  assert.equal(await wrap(async (question) => `echo: ${question}`)('from CJS'), 'echo: from CJS');
  // Strict code knows calls without a `this`, and so does what is wrapped.
  const self = wrap(function self() {
    'use strict';
    return this;
  });
  assert.deepEqual([self(), self.call(5)], [undefined, 5]);
  const { taskId } = phospho.log({ input: 'logged by CJS', output: 'yes', sessionId: 'cjs' });
  const ledger = await phospho.shutdown();
  assert.ok(isBalanced(ledger));
  assert.equal(ledger.events.delivered, 1);
  const task = await new Client().tasks.get(taskId);
  assert.equal(task.content.input, 'logged by CJS');
  await assert.rejects(new Client().tasks.get('task_unknown'), PhosphoError);

  // Both copies of the package in one process know each other's errors and context.
  const esm = await import('phospho-express');
  assert.notEqual(esm.PhosphoError, PhosphoError);
  assert.ok(new esm.PhosphoConfigError('x') instanceof PhosphoError);
  console.log('ok');
}

void main();
