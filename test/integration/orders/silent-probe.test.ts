import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createProbe } from '../../../lib/kafka/probe.ts';
import { createSilence } from '../../../lib/kafka/silence.ts';

const connections = new Set<Socket>();
/** Takes connections, and never answers. */
const hanging = createServer((socket) => connections.add(socket));

beforeAll(() => once(hanging.listen(0, '127.0.0.1'), 'listening'));
afterAll(async () => {
  for (const socket of connections) socket.destroy();
  await once(hanging.close(), 'close');
});

const brokers = () => [`127.0.0.1:${(hanging.address() as AddressInfo).port}`];
const limit = (ms: number) => `Kafka did not answer within ${ms} ms`;

test('a Kafka that has just given no answer is asked briefly, where the silence is remembered', async () => {
  const silence = createSilence();
  const probe = createProbe(brokers(), { way: 'none' }, silence);
  await expect(probe.check('orders', 300)).rejects.toThrow(limit(300));
  await expect(probe.check('orders', 300)).rejects.toThrow(limit(100));
  await expect(probe.check('orders', 50)).rejects.toThrow(limit(50));
  silence.note(true);
  await expect(probe.check('orders', 200)).rejects.toThrow(limit(200));
  await probe.disconnect();
});

test('without that memory each check takes its whole time', async () => {
  const probe = createProbe(brokers());
  for (const ms of [150, 160]) {
    await expect(probe.check('orders', ms)).rejects.toThrow(limit(ms));
  }
  await probe.disconnect();
});
