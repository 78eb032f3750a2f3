import { expect, test } from '@jest/globals';
import { readSelection } from './redrive-options.ts';

const arn = 'arn:aws:lambda:us-east-1:000000000000:function:shop-local-notify';

test.each([
  ['notify', arn, true],
  ['shop-local-notify', arn, true],
  ['notify', `${arn}:live`, true],
  [arn, arn, true],
  ['otify', arn, false],
  ['local', arn, false],
  ['not.fy', arn, false],
  ['.*', arn, false],
])('--function %s of the letter of %s: %s', (name, functionArn, chosen) => {
  const { chooses } = readSelection({ function: name });
  const found = { letter: { functionArn } } as unknown as Parameters<typeof chooses>[0];
  expect(chooses(found)).toBe(chosen);
});
