import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadSqlite } from '../plugins/kafka-event-source/sqlite.ts';

/** The file of DynamoDB Local with the data of all credentials. */
const FILE = 'shared-local-instance.db';

/**
 * Lets DynamoDB Local, before it starts on this folder, write into SQLite's write-ahead log. Each write then waits
 * for the disk once instead of four times, and is on the disk when it is answered, as before. DynamoDB Local
 * never moves the log into its file, so a thread of this process does (checkpoint.ts). Where a file system
 * cannot have such a log, a line says so, and all stays as it was.
 */
export function useWriteAheadLog(folder: string): void {
  const file = join(folder, FILE);
  try {
    checkFileSystem(folder);
    // An earlier process may have left a log, such as one that was killed.
    execute(file, 'PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);');
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`Writes to DynamoDB wait longer for the disk, without a log: ${file}: ${reason}`);
    return;
  }
  new Worker(new URL('./checkpoint.ts', import.meta.url), { workerData: file }).unref();
}

/** Tries the log with another file first: nobody could open the data where the file demands a log that cannot be made. */
function checkFileSystem(folder: string): void {
  const probe = join(folder, 'write-ahead-probe.db');
  try {
    execute(probe, 'PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS probe (id INTEGER);');
  } finally {
    for (const end of ['', '-wal', '-shm'])
      rmSync(`${probe}${end}`, { recursive: true, force: true });
  }
}

function execute(file: string, statements: string): void {
  const db = new (loadSqlite().DatabaseSync)(file);
  try {
    db.exec(statements);
  } finally {
    db.close();
  }
}
