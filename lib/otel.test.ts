import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { lambdaContext } from '../test/support/http.ts';
import { capture } from '../test/support/printed.ts';

/** A collector that takes connections and never answers. */
const collector = createServer((socket) => {
  socket.on('error', () => undefined).resume(); // Reads, so that it sees the end.
}).listen(0, '127.0.0.1');
await once(collector, 'listening');
const { port } = collector.address() as AddressInfo;

// Read when the modules are loaded.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
const { invocation } = await import('./invocation.ts');
const { logger } = await import('./logger.ts');
const { measure } = await import('./metrics.ts');
const { startTracer } = await import('./tracer.ts');

let printed: ReturnType<typeof capture>;
beforeEach(() => {
  startTracer({ ratio: 1 });
  logger.setLogLevel('INFO');
  printed = capture();
});

afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => {
  collector.close();
});

const answer = (timeLeftMs: number) =>
  invocation(
    { ...lambdaContext(), getRemainingTimeInMillis: () => timeLeftMs },
    { by: 'request' },
    async () => {
      measure('OrdersCreated');
      return 'the answer';
    },
  );

test.each([0, 5, 50])(
  'an invocation with %i ms left answers without waiting for the collector',
  async (timeLeftMs) => {
    expect(await answer(timeLeftMs)).toBe('the answer');
    expect(printed.text()).toContain('OrdersCreated');
    expect(printed.text()).not.toContain('traces not sent');
  },
);

test('metrics are written before a collector that hangs is given up, as long as time is left', async () => {
  expect(await answer(150)).toBe('the answer');
  expect(printed.text()).toMatch(/OrdersCreated.*traces not sent/s);
  expect(printed.text()).toContain('not within 100 ms');
});
