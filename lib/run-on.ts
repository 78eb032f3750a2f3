import http from 'node:http';
import type { Config } from './config.ts';
import { logger } from './logger.ts';

/**
 * Lets the function run until the promise is settled, also after its answer. It is called once in every
 * invocation.
 */
export type RunOn = (until: Promise<void>) => void;

const VERSION = '/2020-01-01/extension';
const REGISTER_MS = 1_000;

/**
 * Prepares the function to run on after its answers. Await it while the function loads: Lambda takes
 * no extension later.
 *
 * @returns undefined where a function cannot run on, so that each answer waits for the whole invocation
 */
export async function prepareToRunOn({
  runsOnBy,
}: Pick<Config, 'runsOnBy'>): Promise<RunOn | undefined> {
  if (runsOnBy === 'process') return () => undefined;
  if (runsOnBy === undefined) return undefined;
  try {
    return await registerExtension(runsOnBy.extensionsApi);
  } catch (error) {
    logger.warn('Lambda takes no extension, so each answer waits for the end of its invocation', {
      reason: String(error),
    });
    return undefined;
  }
}

/**
 * Registers the function as an internal extension of its own instance. Lambda sends an answer to its
 * caller at once, and freezes the instance only when the runtime and the extension have both asked for
 * the next event (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
 *
 * @throws Error when Lambda does not take the extension. An extension that cannot ask for the next
 *   event makes its instance useless: that error ends the process, and Lambda starts another one.
 */
async function registerExtension(api: string): Promise<RunOn> {
  const headers = { 'lambda-extension-name': 'after-answer', 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(REGISTER_MS);
  const body = JSON.stringify({ events: ['INVOKE'] });
  const registered = await ask(
    `${api}${VERSION}/register`,
    { method: 'POST', headers, signal },
    body,
  );
  const identifier = registered['lambda-extension-identifier'];
  if (!identifier) throw new Error('the answer has no lambda-extension-identifier');
  // Without a time limit: the answer is the next invocation, perhaps hours later.
  const next = () =>
    ask(`${api}${VERSION}/event/next`, { headers: { 'lambda-extension-identifier': identifier } });
  let asked: Promise<unknown> = next();
  return (until) => {
    asked = asked.then(() => until).then(next);
  };
}

/** By a connection of its own each time, since a kept one may break during a freeze. */
async function ask(
  address: string,
  options: http.RequestOptions,
  body?: string,
): Promise<http.IncomingHttpHeaders> {
  const answered = Promise.withResolvers<http.IncomingMessage>();
  http
    .request(`http://${address}`, { ...options, agent: false }, answered.resolve)
    .on('error', answered.reject)
    .end(body);
  const answer = await answered.promise;
  answer.resume();
  if (answer.statusCode !== 200) throw new Error(`${address} answered ${answer.statusCode}`);
  return answer.headers;
}
