/** Puts letters back on the topics of their records, by the code of the command. */
import type { Kafka } from 'kafkajs';
import { type Row, redrive } from '../commands/redrive.ts';
import { readSelection } from '../commands/redrive-options.ts';
import type { LettersToRedrive, RedrivenLetter } from './types.ts';

/** @throws Error that says what to do */
export async function redriveLetters(
  kafka: Kafka,
  servers: readonly string[],
  topic: string,
  letters: LettersToRedrive,
): Promise<RedrivenLetter[]> {
  const { again, limit, ...chosen } = letters;
  const all = Object.values(chosen).every((one) => one === undefined);
  const selection = readSelection({
    ...chosen,
    ...(all && { all }),
    again,
    ...(limit !== undefined && { limit: String(limit) }),
  });
  const rows: Row[] = [];
  await redrive({ kafka, servers, topic, selection, found: (row) => rows.push(row) });
  return rows.flatMap(({ partition, offset, outcome, why, key = null, original }) => {
    if (outcome !== 'redriven' && outcome !== 'left') return [];
    return [{ letter: { topic, partition, offset }, outcome, why, key, record: original }];
  });
}
