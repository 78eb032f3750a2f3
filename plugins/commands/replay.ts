import { composeOutbox } from '../../lib/order/compose.ts';
import { type ReplayReport, replay } from '../../lib/order/replay.ts';
import { readOptions } from './replay-options.ts';
import { type Serverless, stageOf, type Utils } from './stage.ts';

const PROGRESS_EVERY = 500;

/** `sls replay` publishes events again that have been published before. */
export async function run(
  serverless: Serverless,
  options: Record<string, unknown>,
  { log, writeText }: Utils,
): Promise<void> {
  const { selection, publish } = readOptions(options);
  const { config, store } = stageOf(serverless);
  const deps = composeOutbox(config, store);
  try {
    const report = await replay(deps, selection, {
      publish,
      found: ({ order }, events, { orders, events: sent }) => {
        if ('order' in selection) {
          for (const { sequence, type, timestamp, id } of events) {
            writeText(`${order.id}  ${sequence}  ${type}  ${timestamp}  ${id}`);
          }
        } else if (orders % PROGRESS_EVERY === 0) {
          log.notice(`${orders} orders, ${sent} events so far`);
        }
      },
    });
    writeText(summary(report, publish, `${deps.topic} on ${config.brokers.join(',')}`));
  } finally {
    await deps.producer.disconnect();
    store.dynamo.destroy();
  }
}

function summary(
  { orders, events, pending }: ReplayReport,
  publish: boolean,
  where: string,
): string {
  const left = pending > 0 ? ` ${pending} more are pending: relayOutbox publishes them.` : '';
  const what = `${events} events of ${orders} orders`;
  if (publish) return `Published ${what} again to ${where}.${left}`;
  return `Dry run: ${what} would be published again to ${where}.${left} Add --yes to do it.`;
}
