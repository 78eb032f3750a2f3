import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadSqlite } from '../plugins/kafka-event-source/recorder/schema.ts';

/** The file of DynamoDB Local with the data of all credentials. */
const FILE = 'shared-local-instance.db';

/**
 * Lets DynamoDB Local, before it starts on this folder, write into SQLite's write-ahead log. Each write then waits
 * for the disk once instead of four times, and is on the disk when it is answered, as before. DynamoDB Local
 * never moves the log into its file, so a thread of this process does (checkpoint.ts). On a file system that
 * cannot have such a log, all stays as it was.
 *
 * @throws Error if the file cannot be read or written
 */
export function useWriteAheadLog(folder: string): void {
  const file = join(folder, FILE);
  const db = new (loadSqlite().DatabaseSync)(file);
  try {
    // An earlier process may have left a log, such as one that was killed.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);');
  } catch (error) {
    throw new Error(
      `${file} cannot be opened (${error instanceof Error ? error.message : error}).`,
    );
  } finally {
    db.close();
  }
  new Worker(new URL('./checkpoint.ts', import.meta.url), { workerData: file }).unref();
}
