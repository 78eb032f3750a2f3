import type { Caller } from '../../lib/identity/caller.ts';
import { ANYBODY } from '../../lib/identity/caller.ts';
import type { Callers } from '../../lib/identity/callers.ts';

/** Every request is this caller's; an operator's by default, as with AUTH=off. */
export function callersOf(caller: Caller = ANYBODY): Callers {
  const read = async () => caller;
  return { areDemanded: caller !== ANYBODY, demand: read, ask: read };
}
