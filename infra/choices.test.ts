import { afterEach, expect, jest, test } from '@jest/globals';
import choices from './choices.cjs';

const { checkChoices } = choices;

/** The choices that serverless.yml reads for a stage, which has these values in `custom.stages`. */
const given = (own: Record<string, string>) =>
  choices({ resolveVariable: async (address) => (address === 'sls:stage' ? 'dev' : { dev: own }) });

afterEach(() => {
  jest.restoreAllMocks();
});

test('what a stage has chosen wins over the environment', async () => {
  const set = { KAFKA_KIND: 'msk-scram', KAFKA_NETWORK: 'internet', RESERVE_CONCURRENCY: 'on' };
  jest.replaceProperty(process, 'env', { ...process.env, ...set });
  expect(await given({})).toEqual({ kafka: 'msk-scram', kafkaNetwork: 'internet', reserve: 'on' });
  const own = { kafka: 'msk-iam', kafkaNetwork: 'vpc', reserve: 'off' };
  expect(await given(own)).toEqual(own);
  checkChoices(own, { KAFKA_KIND: 'msk' });
  checkChoices({}, { KAFKA_KIND: 'msk-scram', KAFKA_NETWORK: '' });
});

test.each([
  ['KAFKA_KIND', 'msk', 'self-managed-scram, msk-iam, msk-scram, self-managed-mtls'],
  ['KAFKA_KIND', 'networks', 'self-managed-scram, msk-iam, msk-scram, self-managed-mtls'],
  ['KAFKA_NETWORK', 'nat', 'internet, vpc'],
  ['RESERVE_CONCURRENCY', 'no', 'on, off'],
])('%s=%s is refused with the values that it may have', (variable, value, known) => {
  const message = `${variable} is "${value}". Set it to one of ${known}.`;
  expect(() => checkChoices({}, { [variable]: value })).toThrow(message);
});

test('a value that a stage has written down is refused like one of the environment, and is not used', async () => {
  expect(await given({ kafka: 'msk', kafkaNetwork: 'nat', reserve: 'no' })).toEqual({
    kafka: 'self-managed-scram',
    kafkaNetwork: 'internet',
    reserve: 'on',
  });
  expect(() => checkChoices({ kafka: 'msk' }, {})).toThrow(/KAFKA_KIND is "msk"/);
});
