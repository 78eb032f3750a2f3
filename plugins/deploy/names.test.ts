import { expect, test } from '@jest/globals';
import { checkNames } from './names.ts';

function check(stage: string) {
  const keys = ['notify', 'listNotifications', 'docs'];
  const getFunction = (key: string) => ({ name: `orders-${stage}-${key}` });
  checkNames({ getAllFunctions: () => keys, getFunction }, stage);
}

test('a stage whose functions have longer names than Lambda takes is refused with what is left', () => {
  check('s'.repeat(39));
  expect(() => check('s'.repeat(40))).toThrow(
    /-listNotifications" has 65 .* 39 characters at most/,
  );
  expect(() => check('s'.repeat(64))).toThrow(/ 39 characters at most/);
});
