import type { Logger } from '@aws-lambda-powertools/logger';
import type { Message, Sender, SendResult } from './channels/channels.ts';
import type { Outcome } from './ledger/record.ts';

/** How long one provider may take to answer. */
export const CALL_MS = 5_000;

type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/**
 * Asks one provider after the other, as long as each surely took nothing: the next one is never asked
 * after an answer that was lost, or a refusal for good.
 */
export async function callInTurn(
  senders: readonly Sender[],
  message: Message,
  log: Log,
): Promise<Outcome> {
  const [sender, ...others] = senders;
  if (!sender) return { status: 'failed', passing: true, reason: 'no provider is configured' };
  const outcome = await call(sender, message, log);
  if (outcome.status !== 'failed' || !outcome.passing || others.length === 0) return outcome;
  log.warn('provider passed over', { channel: message.channel, reason: outcome.reason });
  return callInTurn(others, message, log);
}

/** One call: what the provider said, or `unknown`, since a call without an answer may have arrived. */
async function call(sender: Sender, message: Message, log: Log): Promise<Outcome> {
  try {
    return outcomeOf(sender, await answered(sender, message));
  } catch (error) {
    // Its message may hold the address; the frames tell a bug from a lost answer.
    const { name, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
    const { channel } = message;
    log.error('answer of the provider lost', { channel, provider: sender.name, name, frames });
    return { status: 'unknown', reason: `no answer from ${sender.name} (${name})` };
  }
}

async function answered(sender: Sender, message: Message): Promise<SendResult> {
  const limit = new AbortController();
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${CALL_MS} ms`);
    error.name = 'TimeoutError';
    // The wait is over before the call hears of it, whatever the call makes of the signal.
    reject(error);
    limit.abort(error);
  }, CALL_MS);
  try {
    return await Promise.race([sender.send(message, limit.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function outcomeOf({ name }: Sender, result: SendResult): Outcome {
  if (!result.success) {
    return { status: 'failed', reason: result.reason, passing: result.passing };
  }
  const { messageId, segments } = result;
  return { status: 'sent', messageId, provider: name, ...(segments && { segments }) };
}
