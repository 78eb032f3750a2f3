import { join } from 'node:path';
import type { Task } from '../plugins/kafka-event-source/broker/supervise.ts';
import type { Settings } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');

/** serverless-offline, by itself and not through npx: one process less to end. */
export function offline(
  { HTTP_PORT, LAMBDA_PORT }: Settings,
  isVerbose: boolean,
  allowsChanges = false,
): Task {
  const ports = ['--httpPort', String(HTTP_PORT), '--lambdaPort', String(LAMBDA_PORT)];
  const sls = join(ROOT, 'node_modules/.bin/sls');
  // Node refuses a request with more than 16 KB of address and headers before a function sees it.
  // kafkajs sets a timer with a negative delay, and Node warns of it at every connection.
  const node = ['--disable-warning=TimeoutNegativeWarning', '--max-http-header-size=65536'];
  return {
    name: 'sls offline',
    command: process.execPath,
    args: [...node, sls, 'offline', 'start', ...ports, ...(isVerbose ? ['--verbose'] : [])],
    env: {
      START_OUTPUT: isVerbose ? 'whole' : 'short',
      ...(allowsChanges && { EMULATOR_CHANGES: 'all' }),
    },
    cwd: ROOT,
    signal: 'SIGINT',
  };
}
