import { AppError } from '../errors.ts';

/** The ids of a record, for the log and the ledger; never more than ids. */
export type Ids = { orderId: string; eventId: string };

/**
 * The decision after a failure. `dead letter`: the record has used up its tries. `hold back`: the
 * record has used up its tries, but so have so many others that the code must be at fault, so the
 * record is delivered again.
 */
export type Verdict = {
  next: 'again' | 'dead letter' | 'hold back';
  attempts: number;
  since: Date;
};

/**
 * Counts how often each record has ended in an unexpected error. Kafka does not count deliveries,
 * and a count in memory would not survive a cold start.
 */
export type FailureLedger = {
  count(ids: Ids): Promise<Verdict>;
  /** Resets the count when the record is in the dead letters, so that a redrive has all tries again. */
  forget(ids: Ids): Promise<void>;
};

/** The reason in the dead letter, without the errors' texts: they may hold private data. */
export function exhausted({ attempts, since }: Verdict): AppError {
  return new AppError(
    'INTERNAL',
    `It failed ${attempts} times since ${since.toISOString()}; the log has the error.`,
  );
}
