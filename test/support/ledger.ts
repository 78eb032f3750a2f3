import type { Seen } from '../../lib/notification/ledger/ledger.ts';

/** Records on which everything is new and nothing stays, but for what a test does with them. */
export function forgetfulSeen(own: Partial<Seen> = {}): Seen {
  const done = async () => undefined;
  const noted = async () => true;
  return {
    advance: async () => 'first',
    claim: async () => ({ id: 'c1' }),
    release: done,
    hold: done,
    resume: done,
    putOff: done,
    giveUp: done,
    settle: done,
    defer: noted,
    skip: noted,
    of: async () => [],
    ...own,
  };
}
