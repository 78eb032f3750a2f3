import { expect, test } from '@jest/globals';
import { readOptions } from './replay-options.ts';

test('an order, and nothing is published unless it is said', () => {
  expect(readOptions({ order: 'o', stage: 'local' })).toEqual({
    selection: { order: 'o' },
    publish: false,
  });
  expect(readOptions({ order: 'o', yes: true }).publish).toBe(true);
});

test('a period, in days or times', () => {
  const options = { from: '2026-11-23', to: '2026-11-23T10:30:00+01:00' };
  expect(readOptions(options).selection).toEqual({
    from: new Date('2026-11-23T00:00:00Z'),
    to: new Date('2026-11-23T09:30:00Z'),
  });
});

test.each([
  [{}, /--order <id>, or --from/],
  [{ yes: true }, /--order <id>/],
  [{ from: '2026-11-23' }, /--order <id>/],
  [{ order: 'o', from: '2026-11-23', to: '2026-11-24' }, /--order <id>/],
  [{ from: 'yesterday', to: '2026-11-24' }, /--from "yesterday" is not a time/],
  [{ from: '2026-11-23', to: '2026-13-01' }, /--to "2026-13-01" is not a time/],
  [{ from: '2026-11-24', to: '2026-11-23' }, /--from must be before --to/],
])('%j is refused with what to write', (options, message) => {
  expect(() => readOptions(options)).toThrow(message);
});
