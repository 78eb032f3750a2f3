import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import type { OutboxDeps } from './outbox.ts';

/**
 * Runs `work`, then measures the events that still wait for Kafka. An alarm rings when the metric is
 * missing. A failed measurement is only logged, so that the outcome of `work` counts.
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
      (error) => logger.warn('pending events not counted', { reason: String(error) }),
    );
  }
}
