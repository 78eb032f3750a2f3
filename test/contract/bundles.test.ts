import { expect, test } from '@jest/globals';
import { buildFunctions } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

test('a bundle is under 600 KB, so that it starts fast', async () => {
  const { functions } = await buildFunctions(ROOT);
  expect(functions.length).toBeGreaterThan(10);
  expect(functions.filter(({ bytes }) => bytes >= 600_000)).toEqual([]);
}, 60_000);
