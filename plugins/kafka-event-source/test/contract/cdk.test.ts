/** Reads a template that CDK synthesized (test/witness/README.md): each mapping, with its settings. */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readDefinitions } from '../../definition.ts';
import { readOptions } from '../../options.ts';
import { loadTemplate } from '../../sources/source.ts';
import { ROOT } from '../support/root.ts';

/** The template's mappings, as its stack is deployed in this region. */
async function read(region: string) {
  const options = readOptions({ bootstrapServers: 'localhost:9092' });
  const file = join(ROOT, 'test/witness/cdk-shop.template.json');
  const service = await loadTemplate(file, { region, stage: 'local', given: options });
  return readDefinitions(service, options);
}

const letters = (name: string) => expect.stringMatching(`witness-cdk-shop-local-${name}`);

test('the mappings of event sources, of an alias, and with a condition have their settings', async () => {
  const { definitions, notDeployed } = await read('eu-west-1');
  expect(definitions.flatMap(({ refusals, warnings }) => [...refusals, ...warnings])).toEqual([]);
  expect(notDeployed).toEqual([]);
  expect(definitions.map(({ mapping }) => mapping)).toMatchObject([
    {
      functionName: 'Notify29C25B1B',
      timeoutMs: 20_000,
      topic: 'orders',
      groupId: 'g',
      batchSize: 50,
      windowMs: 2_000,
      pollers: { minimum: 1, maximum: 3 },
      filters: ['{"value":{"a":[1]}}'],
      destination: { kind: 'sqs', arn: letters('DeadB2807C34') },
    },
    { functionName: 'Notify29C25B1B', topic: 'bills', startingPosition: 'LATEST' },
    { topic: 'refunds', startingPosition: 'TRIM_HORIZON' },
    { topic: 'seen', destination: { kind: 'kafka', topic: 'letters' } },
    {
      topic: 'stock',
      startingPosition: 'AT_TIMESTAMP',
      startingTimestampMs: 1_700_000_000_000,
      destination: { kind: 's3', arn: letters('LettersDC1467AC') },
    },
  ]);
});

test('a mapping whose condition does not hold is not deployed', async () => {
  const { definitions, notDeployed } = await read('us-east-1');
  expect(definitions).toHaveLength(4);
  expect(notDeployed).toEqual([expect.stringContaining('the condition IsProd does not hold')]);
});
