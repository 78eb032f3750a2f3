import { type Process, processOf } from '../plugins/kafka-event-source/broker/processes.ts';

/**
 * The processes from this one's parent up to npm; none when npm did not start this one. A signal
 * that cannot be caught ends npm alone: the processes that it started must notice by themselves.
 */
export function npmAbove(env = process.env, find = processOf): Process[] {
  if (!env.npm_lifecycle_event) return [];
  const chain: Process[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < 5; pid = chain.at(-1)?.parent ?? 0) {
    const above = find(pid);
    if (!above) return [];
    chain.push(above);
    if (/\b(npm|npx|pnpm|yarn|bun)\b/.test(above.command)) return chain;
  }
  return [];
}

/** True if a process of the chain has gone: then the one below it has another parent. */
export function isBroken(chain: Process[], parent = process.ppid, find = processOf): boolean {
  if (chain.length === 0) return false;
  if (parent !== chain[0]?.pid) return true;
  return chain.some(({ pid, parent: above }, index) => {
    return index < chain.length - 1 && find(pid)?.parent !== above;
  });
}
