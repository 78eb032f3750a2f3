/** Writes system logs to the framework's log, or to files with the names of AWS's log streams. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { type SystemRecord, streamOf } from './records.ts';

type Write = (record: SystemRecord) => void;

/**
 * @param to `log`, `off`, or a folder. There each day has one file for a mapping, with one record on
 *   each line.
 */
export function systemLogWriter(
  to: string,
  log: Pick<Log, 'notice' | 'warning'>,
): (mapping: Pick<Mapping, 'uuid' | 'name'>) => Write {
  if (to === 'off') return () => () => undefined;
  if (to === 'log') return () => (record) => log.notice(JSON.stringify(record));
  return (mapping) => (record) => {
    const file = join(to, streamOf(mapping, record.timestamp));
    try {
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, `${JSON.stringify(record)}\n`);
    } catch (error) {
      // The mapping goes on without this record.
      log.warning(`${mapping.name}: its system log cannot be written: ${error}`);
    }
  };
}
