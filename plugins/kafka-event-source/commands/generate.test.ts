import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import { mappingOf } from '../test/support/mapping.ts';
import { eventOf } from './canned.ts';
import { asReceived } from './generate-command.ts';

test('an event has the time of a record in nanoseconds, which JavaScript would round', async () => {
  const mapping = mappingOf('orders', ['localhost:1'], { uuid: 'm' });
  const message = { key: null, value: Buffer.from('v'), offset: '3', headers: {}, attributes: 0 };
  const written = { ...message, timestamp: '1764345600123456789' } as KafkaMessage;
  const records = await asReceived(mapping, 'orders', 0, [written]);
  const event = eventOf(mapping.source, [['orders-0', records]]);
  expect(event).toContain('"timestamp": 1764345600123456789,');
  expect(event).toContain('"offset": 3,');
});
