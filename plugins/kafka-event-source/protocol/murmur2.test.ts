import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { murmur2 } from './murmur2.ts';

const require = createRequire(import.meta.url);
const ofKafkajs = require('kafkajs/src/producer/partitioners/default/murmur2.js');

test('keys of any length have the hash that kafkajs and Java give them', () => {
  for (let length = 0; length <= 64; length += 1) {
    const key = Buffer.from(
      Array.from({ length }, (_, index) => (index * 89 + length * 151) % 256),
    );
    expect([length, murmur2(key)]).toEqual([length, ofKafkajs(key)]);
  }
  // Keys and hashes from UtilsTest.java, Kafka's own test of the function.
  expect(['21', 'foobar', 'a-little-bit-long-string'].map((key) => murmur2(key))).toEqual([
    -973932308, -790332482, -985981536,
  ]);
});
