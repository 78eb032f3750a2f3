import type { Clock, Period } from '../../clock.ts';
import type { Deferred, GivenUp } from './deferred.ts';

/** Selects notifications that were given up: an order's, those of a period, or all. */
export type ResendSelection = { order: string } | Period | 'all';

export type ResendReport = { found: number; putBack: number };

const EVER: Period = { from: new Date(0), to: new Date('9999-12-31T00:00:00.000Z') };

type Options = {
  /** Puts them back; without it they are only found. */
  put: boolean;
  found?: (record: GivenUp) => void;
};

/**
 * Puts back notifications that were given up after six days, so that `sendDeferred` sends them
 * within a minute. They have six new days and follow the customer's preferences of that moment. A
 * notification that a later event of its order has overtaken is never sent.
 *
 * @throws AppError `DATABASE_AWAY`; repeating it goes on where it stopped
 */
export async function resend(
  { deferred, clock }: { deferred: Pick<Deferred, 'givenUp' | 'putBack'>; clock: Clock },
  selection: ResendSelection,
  { put, found = () => undefined }: Options,
): Promise<ResendReport> {
  const report: ResendReport = { found: 0, putBack: 0 };
  const now = clock.now();
  for await (const record of deferred.givenUp(isPeriod(selection) ? selection : EVER)) {
    if (isOrder(selection) && record.orderId !== selection.order) continue;
    report.found += 1;
    found(record);
    if (put && (await deferred.putBack(record, now))) report.putBack += 1;
  }
  return report;
}

function isPeriod(selection: ResendSelection): selection is Period {
  return typeof selection === 'object' && 'from' in selection;
}

function isOrder(selection: ResendSelection): selection is { order: string } {
  return typeof selection === 'object' && 'order' in selection;
}
