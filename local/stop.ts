import { isBroken, npmAbove } from './npm.ts';

/** Aborted when this process shall stop: by a signal, a closed terminal, or the end of its npm. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const abort = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, abort);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', abort);
  const above = npmAbove();
  setInterval(() => isBroken(above) && abort(), 1000).unref();
  return stop.signal;
}
