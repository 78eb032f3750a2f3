import { expect, test } from '@jest/globals';
import { buildFunctions } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

const KILOBYTES = 600;
/** It brings Kafka and three providers along, and no caller waits for its start. */
const LARGER = new Map([['notify', 840]]);

test('a bundle is under 600 KB, so that it starts fast; notify is not much larger', async () => {
  const { functions } = await buildFunctions(ROOT);
  expect(functions.length).toBeGreaterThan(10);
  for (const { name, bytes } of functions) {
    const isSmall = bytes < (LARGER.get(name) ?? KILOBYTES) * 1024;
    expect({ name, isSmall }).toEqual({ name, isSmall: true });
  }
}, 60_000);
