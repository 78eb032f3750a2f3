import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { freePort } from '../plugins/kafka-event-source/broker/ports.ts';
import { emulatorIn } from './emulator.ts';
import { readSettings } from './settings.ts';

async function chosen(env: NodeJS.ProcessEnv) {
  const said: string[] = [];
  const found = await emulatorIn(readSettings(env, 'java'), (line) => said.push(line));
  return { ...found, said };
}

test('the functions send their traces to the emulator, at the port that is wanted', async () => {
  const port = String(await freePort());
  expect(await chosen({ EMULATOR_PORT: port })).toEqual({
    EMULATOR_PORT: port,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    said: [],
  });
});

test('a port that is taken, or 0, is replaced by a free one', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const moved = await chosen({ EMULATOR_PORT: String(port) });
    expect(moved.EMULATOR_PORT).not.toBe(String(port));
    expect(moved.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(`http://127.0.0.1:${moved.EMULATOR_PORT}`);
    expect(moved.said).toEqual([expect.stringContaining(`port ${port} is taken`)]);
  } finally {
    server.close();
  }
  const free = await chosen({ EMULATOR_PORT: '0' });
  expect([Number(free.EMULATOR_PORT) > 0, free.said]).toEqual([true, []]);
});

test.each(['', 'http://localhost:4318'])(
  'a collector of one’s own, %j, is left as it is',
  async (address) => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT } = await chosen({
      EMULATOR_PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: address,
    });
    expect(OTEL_EXPORTER_OTLP_ENDPOINT).toBe(address);
  },
);
