import { expect, test } from '@jest/globals';
import { wantedVersions } from './version.ts';

test.each([
  [undefined, undefined, undefined],
  ['*', undefined, undefined],
  ['*', 3, [3]],
  [undefined, 3, [3]],
  ['"3"', undefined, [3]],
  ['"3"', 3, [3]],
  ['"1", "3"', undefined, [1, 3]],
  ['"1", "3"', 3, [3]],
  ['W/"3"', undefined, []],
  ['"abc"', undefined, []],
  ['3', undefined, []],
  ['"03"', undefined, []],
  ['"0"', undefined, [0]],
])('if-match %j and expectedVersion %j name the versions %j', (ifMatch, expected, versions) => {
  expect(wantedVersions(ifMatch, expected)).toEqual(versions);
});

test.each(['"2"', 'W/"3"'])('if-match %s does not agree with expectedVersion 3', (ifMatch) => {
  expect(() => wantedVersions(ifMatch, 3)).toThrow(
    expect.objectContaining({ code: 'VERSIONS_DIFFER' }),
  );
});
