/** Refuses mappings of functions that AWS refuses, and warns of functions that run otherwise on AWS. */
import { asText } from '../json.ts';
import { callbackErrorOf } from '../lambda/handler.ts';
import { declaresCallback } from '../lambda/source.ts';
import { AWS } from '../options.ts';
import type { Deployed, FunctionDefinition } from '../template/deployed.ts';
import { isIntrinsic } from '../template/intrinsic.ts';
import { words } from '../words.ts';
import { cannotRun, paraphrased, type Refusal } from './refusal.ts';

/** The longest timeout of a function with a Kafka event source. */
const MAX_TIMEOUT_SECONDS = 840;
/** The longest execution of a durable function with an event source mapping; the second on managed instances. */
const MAX_EXECUTION_SECONDS = 900;
const MAX_MANAGED_EXECUTION_SECONDS = 5_400;
/**
 * The runtimes that serverless-offline 14.8 runs on the machine itself. Its other releases know other
 * runtimes of Node.
 */
const RUNNERS =
  /^(nodejs.*|python3\.([7-9]|1[0-3])|ruby(2\.7|3\.[2-4]|4\.0)|java(8|8\.al2|11|17)|go1\.x)$/;

export function refuseFunction(deployed: Deployed): Refusal[] {
  const { fn, functionName, features } = deployed;
  if (!fn) {
    return [
      cannotRun(
        `The mapping calls ${JSON.stringify(functionName)}, which is not a function of this service; it does not run here.`,
      ),
    ];
  }
  const found: Refusal[] = [];
  // AWS's page says only that each invocation needs a tenant; its CDK says that mappings are not supported.
  // https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
  if (features.hasTenantIsolation) {
    found.push(
      paraphrased(
        `Function ${fn.key} has tenant isolation (TenancyConfig): each invocation needs a tenant's id, ` +
          'and an event source mapping passes none. Remove TenancyConfig, or invoke the function with ' +
          'the id from another function that has the mapping.',
      ),
    );
  }
  return [...found, ...refuseDurable(deployed, fn)];
}

// https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking-esm.html
function refuseDurable(
  { where, qualifier, features: { durable, isManaged } }: Deployed,
  fn: FunctionDefinition,
): Refusal[] {
  if (!durable) return [];
  const found: Refusal[] = [];
  if (qualifier === undefined) {
    found.push(
      paraphrased(
        `Function ${fn.key} is durable (DurableConfig): the mapping must name one of its versions or ` +
          'aliases. Add the alias to FunctionName, as in resources.extensions.',
      ),
    );
  }
  const { timeoutSeconds = 0 } = durable;
  const isOfFramework = fn.durableConfig !== undefined && where.startsWith('functions.');
  // The framework does not know of managed instances.
  const limit = isManaged && !isOfFramework ? MAX_MANAGED_EXECUTION_SECONDS : MAX_EXECUTION_SECONDS;
  if (timeoutSeconds > limit) {
    found.push(
      isOfFramework
        ? {
            by: 'Serverless',
            code: 'DURABLE_FUNCTION_ESM_TIMEOUT_UNSUPPORTED',
            message:
              `Function "${fn.key}" uses an event source mapping with "durableConfig.executionTimeout" ` +
              'greater than 900 seconds. AWS Lambda event source mappings invoke durable functions ' +
              'synchronously and require durable execution timeout to be 15 minutes or less.',
          }
        : paraphrased(
            `Function ${fn.key} is durable with an ExecutionTimeout of ${timeoutSeconds} s; with an ` +
              `event source mapping it may be at most ${limit} s (${limit / 60} minutes).`,
          ),
    );
  }
  return found;
}

/** Warnings for a timeout that AWS may refuse, and a handler whose invocations would all fail on AWS. */
export function functionWarnings(deployed: Deployed, folder: string): string[] {
  return [...timeoutWarnings(deployed), ...callbackWarnings(deployed, folder)];
}

/**
 * A warning for a function that serverless-offline cannot run by itself. An endpoint of its own runs
 * each function.
 */
export function runtimeWarnings({ fn }: Deployed, lambdaEndpoint: string | undefined): string[] {
  const { key, runtime = 'nodejs', isImage = false } = fn ?? {};
  if (lambdaEndpoint !== undefined || (!isImage && RUNNERS.test(runtime))) return [];
  return [
    `serverless-offline runs no ${isImage ? 'container images' : `functions of ${runtime}`} without ` +
      `Docker. Set ${words().setting(`mappings.${key}.lambdaEndpoint`)} to an endpoint that runs ` +
      "the function; for AWS's runtime interface emulator: " +
      'http://localhost:9000/2015-03-31/functions/function/invocations',
  ];
}

/** A warning for an alias or version of a deployed function that only AWS knows. */
export function qualifierWarnings(
  { fn, qualifier }: Deployed,
  lambdaEndpoint: string | undefined,
): string[] {
  if (lambdaEndpoint !== AWS || !isIntrinsic(qualifier)) return [];
  return [
    `Only AWS knows the alias or version ${asText(qualifier)}: $LATEST of the function is called. To call ` +
      `another one, start lambda-kafka-event-source with --function ${fn?.key}=${fn?.name}:<alias or version>.`,
  ];
}

// AWS's page names the limit. Whether AWS refuses such a mapping is not known, and services have it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-configure.html
function timeoutWarnings({ fn }: Deployed): string[] {
  if (!fn || fn.timeoutSeconds <= MAX_TIMEOUT_SECONDS) return [];
  return [
    `Function ${fn.key} has a timeout of ${fn.timeoutSeconds} s. AWS supports Kafka event sources for ` +
      `functions of at most ${MAX_TIMEOUT_SECONDS} s (14 minutes), and may refuse the mapping. It ` +
      'starts here.',
  ];
}

function callbackWarnings({ fn, features }: Deployed, folder: string): string[] {
  const { handler, runtime } = fn ?? {};
  const error = callbackErrorOf({ runtime, isManaged: features.isManaged });
  if (handler === undefined || !error || !declaresCallback(folder, handler)) return [];
  return [
    `The handler ${handler} declares a callback as its third parameter: with ${runtime} each ` +
      'invocation fails, with Runtime.CallbackHandlerDeprecated, here as on AWS. Make it async, return ' +
      'the answer, and leave out the third parameter; or use the runtime nodejs22.x.',
  ];
}
