import { AppError } from '../errors.ts';

/** The ids of a record, for the log and the ledger; never more than ids. */
export type Ids = { orderId: string; eventId: string };

/**
 * The next step after a failure. `set aside`: the record has used up its tries. `hold back`: the
 * record has used up its tries, but so have so many others that the code must be at fault, so the
 * record is delivered again.
 */
export type Verdict = {
  next: 'again' | 'set aside' | 'hold back';
  attempts: number;
  since: Date;
};

/**
 * Counts how often each record has ended in an unexpected error. Kafka does not count deliveries,
 * and a count in memory would not survive a cold start.
 */
export type FailureLedger = {
  count(ids: Ids): Promise<Verdict>;
  /** Begins the count anew: the record was set aside, and a redrive gives it all its chances. */
  forget(ids: Ids): Promise<void>;
};

/** The reason for setting a record aside, without the errors' texts: they may hold private data. */
export function exhausted({ attempts, since }: Verdict): AppError {
  return new AppError(
    'INTERNAL',
    `It failed ${attempts} times since ${since.toISOString()}; the log has the error.`,
  );
}
