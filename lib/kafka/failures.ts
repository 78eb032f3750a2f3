import { AppError } from '../errors.ts';

/** The ids of a record, for the log and the ledger; never more than ids. */
export type Ids = { orderId: string; eventId: string };

/**
 * What follows from a failure. `set aside`: the record has had its chances. `hold back`: it has, but so
 * many others have too that the code must be at fault, so it is delivered again.
 */
export type Verdict = {
  next: 'again' | 'set aside' | 'hold back';
  attempts: number;
  since: Date;
};

/**
 * Remembers how often each record has ended in an unexpected error: Kafka gives a record no number of
 * deliveries, and memory does not survive a cold start.
 */
export type FailureLedger = {
  count(ids: Ids): Promise<Verdict>;
  /** Begins the count anew: the record was set aside, and a redrive gives it all its chances. */
  forget(ids: Ids): Promise<void>;
};

/** Why a record is set aside after unexpected errors. Their messages may hold what is private. */
export function exhausted({ attempts, since }: Verdict): AppError {
  return new AppError(
    'INTERNAL',
    `It failed ${attempts} times since ${since.toISOString()}; the log has the error.`,
  );
}
