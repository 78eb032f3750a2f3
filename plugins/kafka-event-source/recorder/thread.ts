/** Runs in a worker thread of the recorder. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Role, serve } from './serve.ts';

if (parentPort) serve(workerData as Role, parentPort);
