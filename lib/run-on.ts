import http from 'node:http';
import type { Config } from './config.ts';
import { logger } from './logger.ts';
import { within } from './within.ts';

/**
 * Lets the function run until the promise is settled, also after its answer. It is called once in every
 * invocation.
 */
export type RunOn = (until: Promise<void>) => void;

const VERSION = '/2020-01-01/extension';
const REGISTER_MS = 1_000;
const LATE = `no answer to the registration within ${REGISTER_MS} ms`;

/** Asks Lambda for the next event, and resolves when it comes. */
type Next = () => Promise<unknown>;

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
  const registering = registerExtension(runsOnBy.extensionsApi);
  try {
    const next = await within(REGISTER_MS, registering, () => new Error(LATE));
    let asked: Promise<unknown> = next();
    return (until) => {
      asked = asked.then(() => until).then(next);
    };
  } catch (error) {
    logger.warn('Lambda takes no extension, so each answer waits for the end of its invocation', {
      reason: String(error),
    });
    // Lambda may still take the extension. Then every invocation waits until the extension asks for the next event.
    registering.then(askForEver, () => undefined);
    return undefined;
  }
}

async function askForEver(next: Next): Promise<never> {
  for (;;) await next();
}

/**
 * Registers the function as an internal extension of its own instance. Lambda sends an answer to its
 * caller at once, and freezes the instance only when the runtime and the extension have both asked for
 * the next event (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
 *
 * @returns a function that asks for the next event. If that fails, the instance is useless: the error ends the
 *   process, and Lambda starts another one.
 * @throws Error when Lambda does not take the extension
 */
async function registerExtension(api: string): Promise<Next> {
  const headers = { 'lambda-extension-name': 'after-answer', 'content-type': 'application/json' };
  const body = JSON.stringify({ events: ['INVOKE'] });
  const registered = await ask(`${api}${VERSION}/register`, { method: 'POST', headers }, body);
  const identifier = registered['lambda-extension-identifier'];
  if (!identifier) throw new Error('the answer has no lambda-extension-identifier');
  // Without a time limit: the answer is the next invocation, perhaps hours later.
  return () =>
    ask(`${api}${VERSION}/event/next`, { headers: { 'lambda-extension-identifier': identifier } });
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
