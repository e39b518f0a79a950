import { describe, expect, it } from 'vitest';
import { newSessionId, newTaskId, uuidv7 } from '../../../src/internal/ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('uuidv7', () => {
  it('is of version 7 and variant 10, differs each time, and sorts by the order of its making', () => {
    const made = Array.from({ length: 50_000 }, () => uuidv7());
    for (const id of made) expect(id).toMatch(UUID_V7);
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
  });

  it('holds the time in its first 48 bits', () => {
    const now = Date.now() + 60_000;
    expect(Number.parseInt(uuidv7(now).replaceAll('-', '').slice(0, 12), 16)).toBe(now);
  });

  it('still sorts when the clock goes back', () => {
    const now = Date.now() + 120_000;
    const made = [uuidv7(now), uuidv7(now - 5_000), uuidv7(0), uuidv7(now)];
    expect([...made].sort()).toEqual(made);
  });
});

it('ids of tasks and sessions tell what they are', () => {
  expect(newTaskId()).toMatch(/^task_[0-9a-f-]{36}$/);
  expect(newSessionId()).toMatch(/^session_[0-9a-f-]{36}$/);
});
