import { expect, test } from '@jest/globals';
import { changedText, testsOf } from '../mutations/mutation.ts';
import { MUTATIONS } from '../mutations/table.ts';
import { readRows } from '../support/fidelity.ts';

/** The message of the error, if there is one. */
function faultOf(action: () => unknown): string[] {
  try {
    action();
    return [];
  } catch (error) {
    return [String(error)];
  }
}

test('each mutation still applies: its file has the text exactly once', () => {
  expect(MUTATIONS.flatMap((one) => faultOf(() => changedText(one)))).toEqual([]);
});

test('each mutation is of a row that is the same as AWS, and of tests that the row names', () => {
  const rows = readRows();
  expect(MUTATIONS.flatMap((one) => faultOf(() => testsOf(one, rows)))).toEqual([]);
});

test('each mutation changes its text', () => {
  expect(MUTATIONS.filter(({ from, to }) => from === to)).toEqual([]);
});
