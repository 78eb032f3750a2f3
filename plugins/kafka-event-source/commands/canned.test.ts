import { expect, test } from '@jest/globals';
import { cannedEvent } from './canned.ts';

const event = (kind: Parameters<typeof cannedEvent>[0]) => JSON.parse(cannedEvent(kind, 'orders'));

test('a canned event has the shape of its cluster', () => {
  expect(event('self-managed')).toMatchObject({ eventSource: 'SelfManagedKafka' });
  expect(event('self-managed')).not.toHaveProperty('eventSourceArn');
  expect(event('msk')).toMatchObject({
    eventSource: 'aws:kafka',
    eventSourceArn: expect.stringMatching(/^arn:aws:kafka:/),
  });
});

test('a canned tombstone has no value, and the record after it no key', () => {
  const [tombstone, keyless] = event('tombstone').records['orders-0'];
  expect(tombstone).not.toHaveProperty('value');
  expect(keyless).not.toHaveProperty('key');
});

test('a canned poison value is not JSON; the record before it is good', () => {
  const [good, poison] = event('poison').records['orders-0'].map(({ value }: { value: string }) =>
    Buffer.from(value, 'base64').toString(),
  );
  expect(JSON.parse(good)).toHaveProperty('id');
  expect(() => JSON.parse(poison)).toThrow(SyntaxError);
});

test('in an event of several partitions each has its own key', () => {
  expect(Object.keys(event('partitions').records)).toEqual(['orders-0', 'orders-1', 'orders-2']);
});
