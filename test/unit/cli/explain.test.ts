import { expect, test } from 'vitest';
import { explain } from '../../../src/cli/explain.ts';

test.each([
  ['MODULE_NOT_FOUND', "Cannot find module 'express'\nRequire stack:\n- /a/b.cjs"],
  ['ERR_MODULE_NOT_FOUND', "Cannot find package 'express' imported from /a/b.mjs"],
])('%s of a package says which to install', (code, message) => {
  expect(explain(Object.assign(new Error(message), { code }))).toBe(
    'the package express cannot be loaded. Install it: npm install express',
  );
});

test('a file that is not found is no package', () => {
  const error = Object.assign(new Error("Cannot find module './a.cjs'"), {
    code: 'MODULE_NOT_FOUND',
  });
  expect(explain(error)).toBe("Cannot find module './a.cjs'");
});
