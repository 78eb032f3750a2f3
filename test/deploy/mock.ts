import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { motoPython } from '../providers/moto.ts';

/** Starts the mock of AWS; it ends with this process. */
export async function startMock() {
  const child = spawn(await motoPython(), [join(import.meta.dirname, 'mock.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = once(child, 'close').then((): never => {
    throw new Error(`The mock of AWS has ended.\n${log}`);
  });
  ended.catch(() => undefined); // the wait for the port reports it
  const [port] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    /** The variables that lead AWS's tools and SDKs to the mock. */
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
    },
    /** The answers that refused something, one a line. */
    refusals: () => log.split('\n').filter((line) => / [45]\d\d /.test(line)),
    async stop() {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}
