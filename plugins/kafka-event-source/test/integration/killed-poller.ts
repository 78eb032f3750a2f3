/** A poller in a process of its own. The argument has its endpoint and mapping as JSON. */
import { createInvoker } from '../../lambda/invoke.ts';
import type { Mapping } from '../../mapping.ts';
import { Poller } from '../../poller/poller.ts';

const { endpoint, mapping } = JSON.parse(process.argv[2] ?? '') as {
  endpoint: string;
  mapping: Mapping;
};
const { functionName, timeoutMs } = mapping;
const { invoke } = createInvoker({ endpoint, functionName, timeoutMs });
const log = {
  error: console.log,
  warning: console.log,
  notice: console.log,
  debug: () => undefined,
};
new Poller({ mapping, log, invoke, backoff: { firstMs: 50, maxMs: 400 } }).start();
