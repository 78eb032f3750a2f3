import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { listener, processes } from '../../../plugins/kafka-event-source/broker/processes.ts';

/** The TCP ports on which a process and all that it began listen. */
export function listeningPorts(pid: number): number[] {
  const all = processes();
  const family = new Set([pid]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const one of all) if (family.has(one.parent)) family.add(one.pid);
  }
  return portsInUse().filter((port) => family.has(listener(port)?.pid ?? 0));
}

/** From /proc on Linux, since small images have no lsof. */
function portsInUse(): number[] {
  const ports =
    process.platform === 'linux'
      ? ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
          [...readFileSync(table, 'utf8').matchAll(/:([0-9A-F]{4}) [0-9A-F]+:0000 0A /g)].map(
            ([, port = '']) => Number.parseInt(port, 16),
          ),
        )
      : [
          ...execFileSync('lsof', ['-nP', '-iTCP', '-sTCP:LISTEN', '-Fn'], {
            encoding: 'utf8',
            timeout: 20_000,
          }).matchAll(/^n.*:(\d+)$/gm),
        ].map(([, port]) => Number(port));
  return [...new Set(ports)];
}
