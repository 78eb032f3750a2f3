import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { readTolerantly, withUnknown } from './tolerant.ts';

const schema = z.strictObject({
  contact: z.strictObject({ email: z.email().optional() }).default({}),
  quiet: z.strictObject({ from: z.string(), to: z.string() }).nullable().default(null),
  events: z.strictObject({ A: z.boolean().default(true) }).prefault({}),
});
const defaults = { contact: {}, quiet: null, events: { A: true } };

test('a value that fits the schema is read as it is', () => {
  const stored = { contact: { email: 'a@b.example' }, quiet: { from: '1', to: '2' } };
  expect(readTolerantly(schema, stored)).toEqual({
    value: { ...defaults, ...stored },
    unknown: {},
    faults: [],
  });
});

test('unknown fields are kept at their places, at every depth', () => {
  const stored = { theme: { dark: 1 }, contact: { fax: '1' }, events: { A: false, B: [1] } };
  const reading = readTolerantly(schema, stored);
  expect(reading).toEqual({
    value: { ...defaults, events: { A: false } },
    unknown: { theme: { dark: 1 }, contact: { fax: '1' }, events: { B: [1] } },
    faults: [],
  });
  expect(withUnknown(reading.value, reading.unknown)).toEqual({ ...defaults, ...stored });
});

test.each([
  [{ contact: { email: 'no address' } }, defaults, ['contact.email']],
  [{ contact: 'none' }, defaults, ['contact']],
  [{ quiet: { from: '1' } }, defaults, ['quiet']],
  [{ quiet: { from: 1, to: '2' } }, defaults, ['quiet.from', 'quiet']],
  [{ events: null, contact: [] }, defaults, ['contact', 'events']],
  ['no object', defaults, []],
  [undefined, defaults, []],
])('what is invalid has its default, and its path is told: %j', (stored, value, faults) => {
  const reading = readTolerantly(schema, stored);
  expect(reading.value).toEqual(value);
  expect(reading.faults.toSorted()).toEqual([...faults].toSorted());
});

test('the stored value stays unchanged', () => {
  const stored = { contact: { email: 'no address', fax: '1' } };
  readTolerantly(schema, stored);
  expect(stored).toEqual({ contact: { email: 'no address', fax: '1' } });
});

test('an unknown field beside what has become another kind of value is dropped', () => {
  expect(withUnknown({ quiet: null }, { quiet: { days: ['Mo'] } })).toEqual({ quiet: null });
});

test('a schema that does not take an empty object says so', () => {
  expect(() => readTolerantly(z.strictObject({ a: z.string() }), {})).toThrow();
});
