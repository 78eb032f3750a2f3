/** Observes a poller once a minute: its lag, its pollers, and the offsets in its system log. */
import type { Scheduler } from '../delivery/scheduler.ts';
import type { Stats } from '../delivery/stats.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import type { SystemLog } from '../monitoring/records.ts';
import { type Clock, pause } from '../time.ts';
import type { Group } from './group.ts';
import type { Reporter } from './reporter.ts';

export interface ObserverOptions {
  readonly mapping: Pick<Mapping, 'pollers'>;
  readonly group: Pick<Group, 'offsets'>;
  readonly scheduler: Pick<Scheduler, 'pollers'>;
  readonly reporter: Pick<Reporter, 'debug'>;
  readonly stats: Pick<Stats, 'emit'>;
  readonly systemLog: Pick<SystemLog, 'offsets'>;
  readonly signal: AbortSignal;
  /** The milliseconds between two observations. */
  readonly everyMs: number;
  readonly clock: Clock;
}

// AWS: ten pollers on a unit, by default.
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
const POLLERS_OF_A_UNIT = 10;

/** Observes until the signal aborts, in the middle of each minute, so that no minute is left out. */
export async function observe(options: ObserverOptions): Promise<void> {
  const { signal, everyMs, reporter, clock } = options;
  for (;;) {
    await pause(everyMs - ((clock.date() + everyMs / 2) % everyMs), signal, clock);
    if (signal.aborted) return;
    try {
      await observeOnce(options);
    } catch (error) {
      // The poller itself reports a broker that is away.
      reporter.debug(`no offsets for its metrics: ${messageOf(error)}`);
    }
  }
}

async function observeOnce(options: ObserverOptions): Promise<void> {
  const { mapping, group, scheduler, stats, systemLog } = options;
  if (mapping.pollers) {
    stats.emit('ProvisionedPollers', scheduler.pollers);
    stats.emit('EventPollerUnit', Math.ceil(scheduler.pollers / POLLERS_OF_A_UNIT));
  }
  const all = await group.offsets();
  if (all.length === 0) return;
  const lags = all.map(({ low, end, committed }) => Math.max(0, end - Math.max(low, committed)));
  const sum = lags.reduce((total, lag) => total + lag, 0);
  stats.emit('MaxOffsetLag', Math.max(...lags));
  stats.emit('SumOffsetLag', sum);
  // AWS: the topic's lag, whatever the number of its partitions.
  // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
  stats.emit('OffsetLag', sum);
  systemLog.offsets(all);
}
