import { expect, test } from '@jest/globals';
import { readSettings } from './settings.ts';

const own = { DYNAMODB_ENDPOINT: 'http://localhost:8000' };

test.each(['localhost:65536', 'localhost:0', 'http://localhost:9092', 'localhost:9092,'])(
  'a start with the brokers %s of its own is refused',
  (brokers) => {
    expect(() => readSettings({ ...own, KAFKA_BROKERS: brokers }, 'none')).toThrow(
      /host:port with a port from 1 to 65535[\s\S]*KAFKA_BROKERS/,
    );
  },
);

test('a start that starts Kafka itself does not look at the brokers of another', () => {
  const set = { ...own, KAFKA_BROKERS: 'b-1:9098, b-2:9098' };
  expect(readSettings(set, 'java').HTTP_PORT).toBe(3001);
});

test.each([
  ['KAFKA_PORT', 'abc', /must be a number/],
  ['AUTH', 'on', /must be one of "off", "local", "jwt"/],
])('%s=%s is refused in our own words', (name, value, words) => {
  expect(() => readSettings({ ...own, [name]: value }, 'java')).toThrow(words);
});

test('the brokers of a start of its own may be several', () => {
  const brokers = 'localhost:9092,127.0.0.1:9093';
  expect(readSettings({ ...own, KAFKA_BROKERS: brokers }, 'none').KAFKA_BROKERS).toBe(brokers);
});
