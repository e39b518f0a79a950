import { expect, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { PhosphoConfigError } from '../../src/errors.ts';

vi.mock('pg', () => {
  throw new Error('Cannot find package');
});

test('where pg is missing, the error says what to install, and nothing of the URL', async () => {
  const opening = createCollector({ database: 'postgres://user:hunter2@host/db', port: 0 });
  await expect(opening).rejects.toThrow(/^(?!.*hunter2).*Install it: npm install pg$/);
  await expect(opening).rejects.toBeInstanceOf(PhosphoConfigError);
});
