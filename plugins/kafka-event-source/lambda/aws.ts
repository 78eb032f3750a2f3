/** Calls deployed functions in the user's AWS account, for the endpoint `aws`. */

import { type Invoker, toResult } from './invoke.ts';
import type { InvocationResult } from './result.ts';

export interface AwsInvokeOptions {
  readonly region: string;
  /** The deployed name; `name:alias` calls an alias. */
  readonly functionName: string;
  /** The time in which an answer must come. */
  readonly timeoutMs: number;
  /** Whether AWS is asked for the function's last log lines. */
  readonly wantsLogs?: boolean;
}

const PACKAGE = '@aws-sdk/client-lambda';
const HTTP = { connectionTimeout: 10_000, httpsAgent: { keepAlive: true, maxSockets: Infinity } };

/**
 * An invoker for one deployed function. The client never repeats an invocation: the engine does, and
 * counts it. Credentials are those that AWS's SDK finds.
 * https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
 */
export function createAwsInvoker({
  region,
  functionName,
  timeoutMs,
  wantsLogs = false,
}: AwsInvokeOptions): Invoker {
  const closing = new AbortController();
  const connect = async () => {
    const { InvokeCommand, LambdaClient } = await loadLambdaSdk();
    return {
      InvokeCommand,
      client: new LambdaClient({ region, maxAttempts: 1, requestHandler: HTTP }),
    };
  };
  let connected: ReturnType<typeof connect> | undefined;
  const call = async (payload: Buffer, abortSignal: AbortSignal) => {
    connected ??= connect();
    const { InvokeCommand, client } = await connected;
    const command = new InvokeCommand({
      FunctionName: functionName,
      Payload: payload,
      ...(wantsLogs && { LogType: 'Tail' as const }),
    });
    return client.send(command, { abortSignal });
  };
  return {
    async invoke(payload) {
      const limit = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await call(payload, AbortSignal.any([limit, closing.signal]));
        const { requestId } = answer.$metadata;
        const { ExecutedVersion: executedVersion, LogResult: log } = answer;
        return toResult({
          status: answer.StatusCode ?? 200,
          functionError: answer.FunctionError,
          invoked: {
            ...(requestId && { requestId }),
            ...(executedVersion && { executedVersion }),
            ...(log && { logTail: Buffer.from(log, 'base64').toString('utf8') }),
          },
          body: Buffer.from(answer.Payload ?? []).toString('utf8'),
        });
      } catch (error) {
        if (limit.aborted) {
          const message = `no answer from ${functionName} in ${region} within ${timeoutMs} ms`;
          return { kind: 'functionError', message };
        }
        return refused(error as Failure, region);
      }
    },
    close() {
      closing.abort();
      connected?.then(({ client }) => client.destroy()).catch(() => undefined);
    },
  };
}

/** Loads AWS's client. @throws Error that names the package to install */
export async function loadLambdaSdk() {
  try {
    return await import('@aws-sdk/client-lambda');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `The endpoint aws needs the package ${PACKAGE}: run npm install --save-dev ${PACKAGE}, in the ` +
        'project that has lambda-kafka-event-source.',
    );
  }
}

/** The region that AWS's SDK finds for this process: AWS_REGION, or that of the profile. */
export async function regionOfSdk(): Promise<string | undefined> {
  const { LambdaClient } = await loadLambdaSdk();
  const client = new LambdaClient({});
  return client.config.region().catch(() => undefined);
}

/** The credentials that AWS's SDK uses in this process, for a message. */
export function credentialsText(env: NodeJS.ProcessEnv = process.env): string {
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = env;
  if (profile) return `profile "${profile}"`;
  return key && secret ? `access key ****${key.slice(-4)}` : 'profile "default"';
}

/** An error of AWS's client: AWS's exception, or one of the client itself. */
interface Failure extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

function refused(error: Failure, region: string): InvocationResult {
  const { name, message, code = name, $metadata: { httpStatusCode: status } = {} } = error;
  const kind = status === 413 || name === 'RequestTooLargeException' ? 'tooLarge' : 'notReached';
  const said = `${name}: ${message || code}`;
  const [, advice] = ADVICE.find(([pattern]) => pattern.test(said)) ?? [];
  const full = status === undefined ? said : `status ${status}: ${said}`;
  if (advice === undefined) return { kind, message: full };
  const wayOut = advice.replaceAll('<region>', region);
  return { kind, message: `${full.replace(/\.?$/, '.')} ${wayOut}` };
}

/** The way out of an error, by the name that AWS or its client gives to it. */
// AWS: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^ExpiredToken/, 'Log in again (aws sso login), or get new keys, and start this again.'],
  [
    /^(CredentialsProviderError|TokenProviderError|MissingAuthenticationToken)/,
    'Log in (aws sso login) and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and ' +
      'start this again.',
  ],
  [
    /^(UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|InvalidClientTokenId)/,
    'AWS does not know these keys: check AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ' +
      'AWS_SESSION_TOKEN and the clock, and start this again.',
  ],
  [
    /^AccessDenied/,
    'Give the identity lambda:InvokeFunction on the function, or take another profile.',
  ],
  [
    /^ResourceNotFound/,
    'Deploy the function to <region>, or take another region or name: the options --region and ' +
      '--function <key>=<deployed name> of lambda-kafka-event-source start, the provider and functions of ' +
      'serverless.yml.',
  ],
  [
    /^TimeoutError|\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b/,
    'Check that this machine reaches Lambda in <region>.',
  ],
];
