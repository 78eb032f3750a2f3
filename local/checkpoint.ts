// A thread that moves the write-ahead log of DynamoDB Local into its file, again and again. SQLite then
// begins the log anew, so that it does not grow with every write.
import { workerData } from 'node:worker_threads';
import { loadSqlite } from '../plugins/kafka-event-source/sqlite.ts';

const EVERY_MS = 250;

const db = new (loadSqlite().DatabaseSync)(workerData);
// The only kind of checkpoint for which no writer waits. One that shortens the log's file takes the lock of
// writers, and DynamoDB Local answers InternalFailure to a write that meets it for 0.1 s: the file keeps its size
// until the next start.
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
let problem: string | undefined;

setInterval(() => {
  try {
    checkpoint.get();
    problem = undefined;
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    // The log stays, and the next time moves it.
    if (found !== problem) console.error(`The log of ${workerData} cannot be moved: ${found}`);
    problem = found;
  }
}, EVERY_MS);
