import { networkInterfaces } from 'node:os';
import { expect, test } from '@jest/globals';
import { answers } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { listeningPorts } from './listening.ts';
import { OFFLINE, Run } from './run.ts';

/** This machine's addresses in its networks; the last one exists only where all of 127/8 is local. */
const ADDRESSES = Object.values(networkInterfaces())
  .flatMap((all = []) => all)
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map(({ address }) => address)
  .concat(process.platform === 'linux' ? ['127.0.0.2'] : []);

test('no port that npm start opens is reached from another machine', async () => {
  expect(ADDRESSES.length).toBeGreaterThan(0);
  await using run = await Run.create();
  await run.start({ FUNCTIONS: OFFLINE }).says(/^ready/m, 100_000);
  const ports = listeningPorts(run.pid);
  // The named ports, with those of Kafka's controller and of the Kafka event source's page.
  expect(ports).toEqual(expect.arrayContaining(run.ports));
  expect(ports.length).toBeGreaterThanOrEqual(run.ports.length + 2);
  for (const port of ports) {
    expect([port, await answers('localhost', port)]).toEqual([port, true]);
    for (const address of ADDRESSES) {
      expect([address, port, await answers(address, port)]).toEqual([address, port, false]);
    }
  }
  process.kill(-run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
});
