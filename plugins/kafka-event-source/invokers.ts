/** Makes the invokers of functions: at the endpoint, at an endpoint of their own, or in the user's AWS account. */
import { Slots } from './delivery/slots.ts';
import { takingTurns } from './delivery/turns.ts';
import { createAwsInvoker, credentialsText } from './lambda/aws.ts';
import { createInProcessInvoker, type InProcessOptions } from './lambda/in-process.ts';
import { addressOf, createInvoker, type Invoker, timeLimitOf } from './lambda/invoke.ts';
import type { Log } from './log.ts';
import type { Mapping } from './mapping.ts';
import { AWS } from './options.ts';
import { parseFunctionName } from './template/deployed.ts';

export interface InvokersOptions {
  /** Lambda's API, for the functions of mappings without an endpoint of their own. */
  readonly endpoint: string;
  /** Whether invocations have no time limit, so that a debugger can hold them. */
  readonly noTimeout?: boolean | undefined;
  /** Names of functions at the endpoint, by the functions' keys; without one it is the deployed name. */
  readonly names?: ReadonlyMap<string, string>;
  /** Finds the functions of the endpoint where they run in this process. */
  readonly functions?: InProcessOptions['functions'] | undefined;
  /** Whether endpoints are asked for the last log lines of functions. */
  readonly wantsLogs?: boolean;
  /** Gets the errors of functions that are called in this process. */
  readonly log?: Pick<Log, 'error'>;
}

/** The one path at which AWS's runtime interface emulator has its function. */
const EMULATOR_PATH = '/2015-03-31/functions/function/invocations';

export class Invokers {
  readonly #options: InvokersOptions;
  /** The turns of the invocations at each runtime interface emulator, by its address. */
  readonly #turns = new Map<string, Slots>();

  constructor(options: InvokersOptions) {
    this.#options = options;
  }

  /** An invoker of the mapping's function. */
  of(mapping: Mapping): Invoker {
    const { endpoint, noTimeout, functions, wantsLogs = false, log } = this.#options;
    const { lambdaEndpoint } = mapping;
    const functionName = this.#nameOf(mapping);
    const timeoutMs = timeLimitOf(mapping, { noTimeout });
    if (lambdaEndpoint === AWS) {
      return createAwsInvoker({ region: regionOf(mapping), functionName, timeoutMs, wantsLogs });
    }
    const invoker = createInvoker({
      endpoint: lambdaEndpoint ?? endpoint,
      functionName,
      timeoutMs,
      errorsInBody: lambdaEndpoint !== undefined,
      wantsLogs,
    });
    if (lambdaEndpoint !== undefined) {
      return this.#inTurn(invoker, addressOf(lambdaEndpoint, functionName));
    }
    return functions
      ? createInProcessInvoker({ functions, functionName, timeoutMs, http: invoker, log })
      : invoker;
  }

  /** Names the functions that run in the user's AWS account; undefined if there are none. */
  awsWarning(mappings: readonly Mapping[]): string | undefined {
    const called = mappings
      .filter(({ lambdaEndpoint }) => lambdaEndpoint === AWS)
      .map((mapping) => `${this.#nameOf(mapping)} in ${regionOf(mapping)}`);
    if (called.length === 0) return undefined;
    return (
      `Kafka event source: these deployed functions of your AWS account are invoked, and change real data: ` +
      `${[...new Set(called)].join(', ')} (${credentialsText()}).`
    );
  }

  /**
   * AWS's runtime interface emulator runs one invocation at a time; a second one would end its process.
   * https://github.com/aws/aws-lambda-runtime-interface-emulator
   */
  #inTurn(invoker: Invoker, { href, pathname }: URL): Invoker {
    if (pathname !== EMULATOR_PATH) return invoker;
    const turns = this.#turns.get(href) ?? new Slots(1);
    this.#turns.set(href, turns);
    return takingTurns(invoker, turns);
  }

  /** The function's name at the endpoint. Only deployed functions have aliases and versions. */
  #nameOf({ functionKey, functionName, qualifier, lambdaEndpoint }: Mapping): string {
    const name = this.#options.names?.get(functionKey) ?? functionName;
    const isQualified = parseFunctionName(name).qualifier !== undefined;
    const isWanted = lambdaEndpoint === AWS && qualifier !== undefined && !isQualified;
    return isWanted ? `${name}:${qualifier}` : name;
  }
}

/** The region of a deployed function: that of its MSK cluster, else the service's. AWS has both in one region. */
function regionOf({ source, functionArn }: Mapping): string {
  const arn = source.eventSource === 'aws:kafka' ? source.eventSourceArn : functionArn;
  return arn.split(':')[3] ?? '';
}
