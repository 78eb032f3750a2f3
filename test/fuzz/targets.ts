import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { createCallers } from '../../lib/identity/callers.ts';
import { startIssuer } from '../support/issuer.ts';
import { addresses, createOrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';
import { createSigner, jwtEnvironment, SETTINGS } from '../support/tokens.ts';
import { fuzz, type Report } from './run.ts';
import { sendOverHttp, sendToHandlers } from './send.ts';

/** The output of the functions. */
const LOG = join(ROOT, '.local/logs/fuzz.log');

type Options = Parameters<typeof fuzz>[1];

/** A table of its own, an issuer, and the handlers in this process that believe it. */
async function open(at = addresses()) {
  const signer = await createSigner();
  const [bench, issuer] = await Promise.all([createOrderBench(at), startIssuer(signer.jwk)]);
  const tokens = { ...SETTINGS, issuer: issuer.issuer, keys: { issuer: issuer.issuer } };
  const callers = createCallers(
    {
      identity: { isDemanded: true, tokens },
      hashSecret: 'for-this-test-alone',
      limits: { requestsPerMinute: undefined },
      dynamoEndpoint: bench.dynamoEndpoint,
    },
    systemClock,
  );
  const { dynamo, table, dynamoEndpoint: endpoint } = bench;
  const planting = sendToHandlers({ endpoint, table }, callers);
  return { bench, issuer, target: { planting, dynamo, table, mint: { signer, ...issuer } } };
}

/** The handlers are called in this process, on a real table; their events go nowhere. */
export async function fuzzHandlers(options: Options, at = addresses()): Promise<Report> {
  const { bench, issuer, target } = await open(at);
  try {
    return await fuzz({ ...target, send: target.planting, atOnce: 12 }, options);
  } finally {
    issuer.close();
    await bench.close();
  }
}

/** The whole system answers over HTTP, and its background functions run. */
export async function fuzzHttp(options: Options, at = addresses()): Promise<Report> {
  const { bench, issuer, target } = await open(at);
  try {
    const system = await startOffline({
      ...environmentOf(bench),
      ...jwtEnvironment(issuer.issuer, target.mint.signer.jwk),
      POWERTOOLS_LOG_LEVEL: 'ERROR',
    });
    try {
      // Few at once: each needs an instance of its own, and many cold starts outlast their time limit.
      return await fuzz({ ...target, send: sendOverHttp(system.url), atOnce: 3 }, options);
    } finally {
      await system.stop();
      await mkdir(dirname(LOG), { recursive: true });
      await writeFile(LOG, system.printed());
    }
  } finally {
    issuer.close();
    await bench.close();
  }
}
