import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isObject } from '../json.ts';
import { compact, merge } from './merge.ts';

const require = createRequire(import.meta.url);
const framework = require('serverless/lib/utils/merge-plain-objects.js');

test("objects and lists are merged as the framework's own code merges them", () => {
  const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('text', 1, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value')),
  }));
  const object = value.filter(isObject);
  fc.assert(
    fc.property(object, object, (target, source) => {
      const [mine, theirs] = [merge(target, source), framework(structuredClone(target), source)];
      expect(mine).toEqual(theirs);
    }),
  );
});

test('neither argument is changed', () => {
  const target = { a: { b: [1] } };
  merge(target, { a: { b: [2, 3] } });
  expect(target).toEqual({ a: { b: [1] } });
});

test('null is left out, as in the template', () => {
  expect(compact({ a: null, b: [{ c: undefined, d: 0 }], e: false })).toEqual({
    b: [{ d: 0 }],
    e: false,
  });
});
