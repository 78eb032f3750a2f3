import type { Clock } from '../clock.ts';
import type { StuckRecord } from '../kafka/standstill.ts';
import { logger } from '../logger.ts';
import { within } from '../within.ts';
import type { DependencyState, Health } from './api.ts';

export type HealthDeps = {
  clock: Clock;
  /** The time since which the oldest event is pending (ISO 8601), and the number of refused orders. */
  backlog(): Promise<{ oldest?: string | undefined; refusedOrders: number }>;
  /** The records at which notify fails again and again. */
  stuck?(): Promise<StuckRecord[]>;
  checkKafka(timeoutMs: number): Promise<void>;
};

/** The longest time that one dependency may take. */
const CHECK_TIMEOUT_MS = 1_500;
/** The relay runs every minute: an event older than two runs needs a person's attention. */
const OLD_SECONDS = 120;

/** Asks both dependencies at once, each within the time that is left. */
export async function checkHealth(
  deps: HealthDeps,
  timeLeftMs: number,
): Promise<Health & Required<Pick<Health, 'dependencies'>>> {
  const timeoutMs = Math.min(CHECK_TIMEOUT_MS, timeLeftMs);
  const [table, kafka] = await Promise.all([
    timed('dynamodb', timeoutMs, Promise.all([deps.backlog(), deps.stuck?.() ?? []])),
    timed('kafka', timeoutMs, deps.checkKafka(timeoutMs)),
  ]);
  const [{ oldest, refusedOrders }, stuckRecords] = table.value ?? [{ refusedOrders: 0 }, []];
  const age = oldest && Math.floor((deps.clock.now().getTime() - Date.parse(oldest)) / 1000);
  const isOld = refusedOrders > 0 || Number(age ?? 0) > OLD_SECONDS;
  const waits = isOld || stuckRecords.length > 0;
  return {
    status: statusOf(table.state.state, kafka.state.state, waits),
    dependencies: { dynamodb: table.state, kafka: kafka.state },
    ...(typeof age === 'number' && { oldestPendingEventSeconds: Math.max(0, age) }),
    ...(refusedOrders > 0 && { refusedOrders }),
    ...(stuckRecords.length > 0 && { stuckRecords }),
  };
}

function statusOf(dynamodb: 'up' | 'down', kafka: 'up' | 'down', waits: boolean): Health['status'] {
  if (dynamodb === 'down') return 'unavailable';
  return kafka === 'down' || waits ? 'degraded' : 'ok';
}

async function timed<T>(
  name: string,
  timeoutMs: number,
  check: Promise<T>,
): Promise<{ state: DependencyState; value?: T }> {
  const start = performance.now();
  const latencyMs = () => Math.round(performance.now() - start);
  try {
    const value = await within(timeoutMs, check, () => new Error('no answer in time'));
    return { state: { state: 'up', latencyMs: latencyMs() }, value };
  } catch (error) {
    // The answer says only that it is down; the reason is for the log.
    logger.warn('dependency is down', { dependency: name, reason: String(error) });
    return { state: { state: 'down', latencyMs: latencyMs() } };
  }
}
