import { composeOutbox } from '../../lib/order/compose.ts';
import { type ReplayReport, replay } from '../../lib/order/replay.ts';
import { plural } from '../kafka-event-source/plural.ts';
import { sayProgress } from './progress.ts';
import { readOptions } from './replay-options.ts';
import { type Serverless, stageOf, type Utils } from './stage.ts';

/** `sls replay` publishes events again that have been published before. */
export async function run(
  serverless: Serverless,
  options: Record<string, unknown>,
  { log, writeText }: Utils,
): Promise<void> {
  const { selection, publish } = readOptions(options);
  const { config, store } = stageOf(serverless);
  const deps = composeOutbox(config, store);
  let soFar: Counts = { orders: 0, events: 0 };
  let day: string | undefined;
  using _ = sayProgress(
    () => `${day ? `Searching the changes of ${day}: ` : ''}${countsOf(soFar)} so far`,
    (text) => log.notice(text),
  );
  try {
    const report = await replay(deps, selection, {
      publish,
      reached: (next) => {
        day = next;
      },
      found: ({ order }, events, report) => {
        soFar = report;
        if (!('order' in selection)) return;
        for (const { sequence, type, timestamp, id } of events) {
          writeText(`${order.id}  ${sequence}  ${type}  ${timestamp}  ${id}`);
        }
      },
    });
    writeText(summary(report, publish, `${deps.topic} on ${config.brokers.join(',')}`));
  } finally {
    await deps.producer.disconnect();
    store.dynamo.destroy();
  }
}

type Counts = Pick<ReplayReport, 'orders' | 'events'>;

function countsOf({ orders, events }: Counts): string {
  return `${plural(events, 'event')} of ${plural(orders, 'order')}`;
}

function summary({ pending, ...counts }: ReplayReport, publish: boolean, where: string): string {
  const left = pending > 0 ? ` ${pending} more are pending: relayOutbox publishes them.` : '';
  const what = countsOf(counts);
  if (publish) return `Published ${what} again to ${where}.${left}`;
  return `Dry run: ${what} would be published again to ${where}.${left} Add --yes to do it.`;
}
