import { expect, test } from '@jest/globals';
import { readOptions } from './resend-options.ts';

test('without a choice all are shown, and nothing is put back unless it is said', () => {
  expect(readOptions({ stage: 'local' })).toEqual({ selection: 'all', put: false });
  expect(readOptions({ all: true, yes: true })).toEqual({ selection: 'all', put: true });
  expect(readOptions({ order: 'o' })).toEqual({ selection: { order: 'o' }, put: false });
  expect(readOptions({ order: 'o', yes: true }).put).toBe(true);
});

test('a period, in days or times', () => {
  const options = { from: '2026-11-23', to: '2026-11-23T10:30:00+01:00' };
  expect(readOptions(options).selection).toEqual({
    from: new Date('2026-11-23T00:00:00Z'),
    to: new Date('2026-11-23T09:30:00Z'),
  });
});

test.each([
  [{ yes: true }, /Use --all/],
  [{ all: true, order: 'o' }, /Use --all/],
  [{ from: '2026-11-23' }, /Use --all/],
  [{ order: 'o', from: '2026-11-23', to: '2026-11-24' }, /Use --all/],
  [{ from: 'yesterday', to: '2026-11-24' }, /--from "yesterday" is not a time/],
  [{ from: '2026-11-24', to: '2026-11-23' }, /--from must be before --to/],
])('%j is refused with what to write', (options, message) => {
  expect(() => readOptions(options)).toThrow(message);
});
