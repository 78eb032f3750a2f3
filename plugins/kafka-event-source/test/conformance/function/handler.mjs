/** Notes each event in a file for its topic, and then does what the records say: handler.py is the same in Python. */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const TEN_MINUTES_MS = 600_000;

export async function conform(event) {
  const records = recordsOf(event);
  const file = `${process.env.CONFORMANCE_LOG}/${records[0].topic}.jsonl`;
  appendFileSync(file, `${JSON.stringify(event)}\n`);
  const delivered = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => recordsOf(JSON.parse(line)));
  const batchItemFailures = [];
  let answer = null;
  for (const record of records) {
    const { topic, partition, offset } = record;
    const order = orderOf(record);
    const attempts = delivered.filter(
      (one) => one.partition === partition && one.offset === offset,
    ).length;
    if (attempts > (order.times ?? 1)) continue;
    if (order.do === 'exit') process.exit(3);
    if (order.do === 'hang') await pause(Number(process.env.CONFORMANCE_HANG_MS ?? TEN_MINUTES_MS));
    if (order.do === 'throw') throw new Error('thrown by the function');
    if (order.do === 'report') {
      batchItemFailures.push({ itemIdentifier: { partition: `${topic}-${partition}`, offset } });
    }
    if (order.do === 'answer') answer = order.answer;
  }
  return batchItemFailures.length > 0 ? { batchItemFailures } : answer;
}

const recordsOf = ({ records }) => Object.values(records).flat();

/** Records of other tests hold no order. */
function orderOf({ value = '' }) {
  try {
    return JSON.parse(Buffer.from(value, 'base64').toString()) ?? {};
  } catch {
    return {};
  }
}
