import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Mapping } from '../../mapping.ts';
import { ROOT } from './root.ts';

const script = join(ROOT, 'test', 'integration', 'killed-poller.ts');

/** Polls in a process of its own, whose output goes to the log. */
export function startPoller(endpoint: string, mapping: Mapping, log: string[]): ChildProcess {
  const argument = JSON.stringify({ endpoint, mapping });
  const child = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => log.push(String(chunk)));
  }
  return child;
}
