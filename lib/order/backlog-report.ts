import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import type { OutboxDeps } from './outbox.ts';

/**
 * Runs `work`, then measures what still waits for Kafka; an alarm rings when the metric does not come.
 * A failure to look is logged only: the outcome of `work` counts.
 */
export async function reportBacklog<T>(
  { repository, clock }: Pick<OutboxDeps, 'repository' | 'clock'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await repository.backlog.summary().then(
      ({ oldest, refusedOrders }) => {
        const age = oldest ? (clock.now().getTime() - Date.parse(oldest)) / 1000 : 0;
        const oldestPendingSeconds = Math.max(0, Math.floor(age));
        measure('OldestPendingSeconds', oldestPendingSeconds);
        measure('RefusedOrders', refusedOrders);
      },
      (error) => logger.warn('backlog unknown', { reason: String(error) }),
    );
  }
}
