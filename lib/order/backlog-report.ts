import { logger } from '../logger.ts';
import type { OutboxDeps } from './outbox.ts';

/**
 * Runs `work`, then logs what still waits for Kafka: serverless.yml makes metrics of this line, and an
 * alarm rings when it does not come. A failure to look is logged only: the outcome of `work` counts.
 */
export async function reportBacklog<T>(
  { repository, clock }: Pick<OutboxDeps, 'repository' | 'clock'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await repository.backlog().then(
      ({ oldest, refusedOrders }) => {
        const age = oldest ? (clock.now().getTime() - Date.parse(oldest)) / 1000 : 0;
        const oldestPendingSeconds = Math.max(0, Math.floor(age));
        logger.info('backlog', { oldestPendingSeconds, refusedOrders });
      },
      (error) => logger.warn('backlog unknown', { reason: String(error) }),
    );
  }
}
