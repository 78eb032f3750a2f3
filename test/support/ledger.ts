import type { Ledger } from '../../lib/notification/ledger/ledger.ts';

/** A ledger to which every event is new and that keeps nothing; `own` replaces methods of it. */
export function forgetfulLedger(own: Partial<Ledger> = {}): Ledger {
  const done = async () => undefined;
  const noted = async () => true;
  return {
    advance: async () => 'first',
    lease: async () => ({ id: 'c1' }),
    release: done,
    hold: done,
    resume: done,
    putOff: done,
    giveUp: done,
    settle: done,
    defer: noted,
    skip: noted,
    recordsOf: async () => [],
    ...own,
  };
}
