import { expect, test } from '@jest/globals';
import choices from './choices.cjs';

const { checkChoices, givenChoices } = choices;

const USUAL = { kafka: 'self-managed-scram', kafkaNetwork: 'internet', reserve: 'on' };

test('a stage chooses for itself, else by the environment, else what is usual', () => {
  expect(givenChoices({}, {})).toEqual(USUAL);
  const env = { KAFKA_KIND: 'msk-iam', KAFKA_NETWORK: 'vpc', RESERVE_CONCURRENCY: 'off' };
  const chosen = { kafka: 'msk-iam', kafkaNetwork: 'vpc', reserve: 'off' };
  expect(givenChoices({}, env)).toEqual(chosen);
  expect(givenChoices({ kafka: 'msk-scram' }, env)).toEqual({ ...chosen, kafka: 'msk-scram' });
  checkChoices({ kafka: 'msk-scram' }, env);
  checkChoices({}, { KAFKA_KIND: '' });
});

test.each([
  ['KAFKA_KIND', 'msk', 'self-managed-scram, msk-iam, msk-scram, self-managed-mtls'],
  ['KAFKA_KIND', 'networks', 'self-managed-scram, msk-iam, msk-scram, self-managed-mtls'],
  ['KAFKA_NETWORK', 'nat', 'internet, vpc'],
  ['RESERVE_CONCURRENCY', 'no', 'on, off'],
])('%s=%s is refused with the values that it may have', (variable, value, known) => {
  const message = `${variable} is "${value}". Set it to one of ${known}.`;
  expect(() => checkChoices({}, { [variable]: value })).toThrow(message);
  expect(givenChoices({}, { [variable]: value })).toEqual(USUAL);
});

test('a value that a stage has written down is refused like one of the environment', () => {
  expect(() => checkChoices({ kafka: 'msk' }, {})).toThrow(/KAFKA_KIND is "msk"/);
});
