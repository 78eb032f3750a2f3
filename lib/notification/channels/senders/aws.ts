import { NodeHttpHandler } from '@smithy/node-http-handler';
import { traceCall } from '../../../tracer.ts';
import { type Problem, refusalOf } from './refusal.ts';
import type { SendResult } from './sender.ts';

/**
 * The common part of the clients of SES and SNS: one try each, on a connection of its own.
 */
export function oneTry() {
  return {
    // A second try of the SDK could be a second message.
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: 4_000,
      throwOnRequestTimeout: true,
      // A connection kept over a frozen invocation breaks under the next request: an answer lost.
      httpAgent: { keepAlive: false },
      httpsAgent: { keepAlive: false },
    }),
  };
}

/**
 * Asks a provider by a client that is loaded at the first message, since it would make every
 * initialisation longer, and kept.
 *
 * @param permanent the errors that concern this message or its recipient: see {@link refusalOf}
 */
export function createAwsCaller<Sdk>(
  provider: string,
  load: () => Promise<Sdk>,
  permanent: (problem: Problem) => boolean,
) {
  let loaded: Sdk | undefined;
  return async (
    call: (sdk: Sdk) => Promise<{ MessageId?: string | undefined }>,
  ): Promise<SendResult> => {
    loaded ??= await load();
    const sdk = loaded;
    try {
      const { MessageId } = await traceCall({ name: provider.toUpperCase() }, () => call(sdk));
      // Something between may answer 200, and the SDK takes even an empty body.
      if (!MessageId) throw new Error(`The answer of ${provider} has no message id.`);
      return { success: true, messageId: MessageId };
    } catch (error) {
      return refusalOf(provider, error, permanent);
    }
  };
}
