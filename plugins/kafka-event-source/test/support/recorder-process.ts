/** Records without end, until it is killed; tells its parent of each batch that is stored. */
import { bufferedRecord, recorder, sentOf } from './recorded.ts';

const [folder = '', from = '0'] = process.argv.slice(2);
const { recording, onStep, mapping } = recorder({ folder, maxMegabytes: 4 });
await recording.flush();
for (let next = Number(from); ; next += 100) {
  const records = Array.from({ length: 100 }, (_, index) =>
    bufferedRecord(next + index, 'x'.repeat(100 + (index % 7) * 50)),
  );
  const batch = [{ partition: 0, records }];
  const id = `batch-${next}`;
  onStep({ kind: 'read', partition: 0, records });
  onStep({ kind: 'invoked', id, batch, attempt: 1, payload: sentOf(records, mapping) });
  const isBad = next % 300 === 0;
  const reason = 'Unhandled: boom';
  onStep({
    kind: 'answered',
    id,
    result: isBad ? { kind: 'functionError', message: reason } : { kind: 'ok', payload: null },
    failed: isBad ? batch : [],
    reason: isBad ? reason : undefined,
  });
  const given = { destination: undefined, condition: 'RetriesExhausted', reason };
  if (isBad) onStep({ kind: 'dropped', batch, ...given });
  onStep({ kind: 'committed', partition: 0, next: next + 100 });
  await recording.flush();
  process.send?.(next + 100);
}
