import { expect, test, vi } from 'vitest';
import { startCollector } from './collector-helpers.ts';

// Settings of the test's own, so that what is told here holds for whichever a version has.
vi.mock('../../src/collector/model/project-settings.ts', async () => {
  const { z } = await import('zod');
  const size = z.int().min(1).max(5).optional();
  return { projectSettings: z.looseObject({ size, word: z.string().optional() }) };
});

const PROJECT = '/admin/projects/demo';

test('settings are set, kept and unset, one by one', async () => {
  const { admin } = await startCollector();
  const change = async (settings: object) =>
    (await admin.post(PROJECT, { settings }).expect(200)).body.settings;
  expect(await change({ size: 3, word: 'a' })).toEqual({ size: 3, word: 'a' });
  expect(await change({ size: 5 })).toEqual({ size: 5, word: 'a' });
  expect(await change({ word: null })).toEqual({ size: 5 });
  expect((await admin.get(PROJECT)).body.settings).toEqual({ size: 5 });
  const { acts } = (await admin.get(`${PROJECT}/audit`).expect(200)).body;
  expect(acts[0]).toMatchObject({ act: 'project.change', details: { settings: { word: null } } });
});

test('two changes of different settings at once are both kept', async () => {
  const { admin } = await startCollector();
  await Promise.all([
    admin.post(PROJECT, { settings: { size: 2 } }).expect(200),
    admin.post(PROJECT, { settings: { word: 'b' } }).expect(200),
  ]);
  expect((await admin.get(PROJECT)).body.settings).toEqual({ size: 2, word: 'b' });
});

test('a project is made with settings', async () => {
  const { admin } = await startCollector();
  const settings = { size: 1, word: null };
  const { body } = await admin.post('/admin/projects', { id: 'x', settings }).expect(200);
  expect(body.settings).toEqual({ size: 1 });
});

test.each([
  [{ size: 6 }, 'size', 'must be an integer from 1 to 5'],
  [{ size: 'big' }, 'size', 'must be an integer from 1 to 5'],
  [{ sise: 1 }, 'sise', 'no setting of this version; there are: size, word'],
])('%j is refused, with field and range, and changes nothing', async (settings, field, msg) => {
  const { admin } = await startCollector();
  const { body } = await admin.post(PROJECT, { settings: { word: 'c', ...settings } }).expect(422);
  expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'settings', field], msg })]);
  expect((await admin.get(PROJECT)).body.settings).toEqual({});
});
