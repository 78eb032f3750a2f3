import { join } from 'node:path';
import type { Task } from '../plugins/kafka-event-source/broker/supervise.ts';
import type { Settings } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');

/** serverless-offline, by itself and not through npx: one process less to end. */
export function offline({ HTTP_PORT, LAMBDA_PORT }: Settings, isVerbose: boolean): Task {
  const ports = ['--httpPort', String(HTTP_PORT), '--lambdaPort', String(LAMBDA_PORT)];
  const sls = join(ROOT, 'node_modules/.bin/sls');
  // Node takes 16 KB of address and headers; what is over its limit reaches no function.
  // kafkajs counts one of its timers below zero, which Node warns of at every connection.
  const node = ['--disable-warning=TimeoutNegativeWarning', '--max-http-header-size=65536'];
  return {
    name: 'sls offline',
    command: process.execPath,
    args: [...node, sls, 'offline', 'start', ...ports, ...(isVerbose ? ['--verbose'] : [])],
    env: { START_OUTPUT: isVerbose ? 'whole' : 'short' },
    cwd: ROOT,
    signal: 'SIGINT',
  };
}
