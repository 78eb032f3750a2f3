import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { MSKHandler } from 'aws-lambda';
import { kafkaEventSource } from './testing.ts';

const template = join(import.meta.dirname, '../examples/sam/template.yaml');

test('the mappings of a template run', async () => {
  const values: string[] = [];
  const handler: MSKHandler = async ({ records }) => {
    for (const { value } of Object.values(records).flat()) {
      values.push(Buffer.from(value, 'base64').toString());
    }
  };
  await using source = await kafkaEventSource({ functions: { Greet: handler }, template });
  await source.produce('greetings', { value: 'from SAM' });
  await source.idle();
  expect(values).toEqual(['from SAM']);
  expect(source.invocations('Greet')).toMatchObject([{ outcome: 'ok' }]);
});

test('mappings come from one place', async () => {
  const functions = { Greet: async () => undefined };
  await expect(kafkaEventSource({ functions })).rejects.toThrow(
    'one of mappings, service and template',
  );
});
