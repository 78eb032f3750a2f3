import { expect, test } from '@jest/globals';
import { buildFunctions } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

const KILOBYTES = 600;
/** They bring SES, SNS, SMTP, templates and time zones along, and no caller waits for their start. */
const HEAVY = new Set(['notify', 'sendDeferred']);

test('what a caller waits for is under 600 KB, so that it starts fast', async () => {
  const { functions } = await buildFunctions(ROOT);
  const sizes = functions.filter(({ name }) => !HEAVY.has(name));
  expect(sizes.length).toBeGreaterThan(10);
  for (const { name, bytes } of sizes) {
    expect({ name, isSmall: bytes < KILOBYTES * 1024 }).toEqual({ name, isSmall: true });
  }
}, 60_000);
