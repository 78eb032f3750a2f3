import type { Log } from '../logger.ts';
import { within } from '../within.ts';
import { CHANNELS, type ChannelName, type Message, type Senders } from './channels/channels.ts';
import type { Sender, SendResult } from './channels/senders/sender.ts';
import type { Outcome } from './ledger/record.ts';

/** The time within which all providers of a channel have been asked once, in milliseconds. */
export function callsMs(channel: ChannelName, senders: Senders): number {
  return CHANNELS[channel].callMs * (senders[channel]?.length ?? 0);
}

/**
 * Asks one provider after the other, as long as each surely took nothing: the next one is never asked
 * after an answer that was lost, or a refusal for good.
 */
export async function callProviders(
  senders: readonly Sender<Message>[],
  message: Message,
  log: Log,
): Promise<Outcome> {
  const [sender, ...others] = senders;
  if (!sender) return { status: 'failed', retriable: true, reason: 'no provider is configured' };
  const outcome = await callProvider(sender, message, log);
  if (outcome.status !== 'failed' || !outcome.retriable || others.length === 0) return outcome;
  log.warn('provider took nothing, the next one is asked', {
    channel: message.channel,
    reason: outcome.reason,
  });
  return callProviders(others, message, log);
}

/** Makes one call. Its outcome is `unknown` without an answer, since the call may have arrived. */
async function callProvider(sender: Sender<Message>, message: Message, log: Log): Promise<Outcome> {
  try {
    return outcomeOf(sender, await answered(sender, message));
  } catch (error) {
    // The error's message may hold the address, so only its frames are logged, to find bugs.
    const { name, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
    const { channel } = message;
    log.error('provider call ended without an answer', {
      channel,
      provider: sender.name,
      name,
      frames,
    });
    return { status: 'unknown', reason: `no answer from ${sender.name} (${name})` };
  }
}

async function answered(sender: Sender<Message>, message: Message): Promise<SendResult> {
  const { callMs } = CHANNELS[message.channel];
  const limit = new AbortController();
  const late = () => {
    const error = new Error(`no answer within ${callMs} ms`);
    error.name = 'TimeoutError';
    return error;
  };
  try {
    return await within(callMs, sender.send(message, limit.signal), late);
  } catch (error) {
    // The wait ends even if the call ignores the signal.
    limit.abort(error);
    throw error;
  }
}

function outcomeOf({ name }: Sender<Message>, result: SendResult): Outcome {
  if (!result.success) {
    return { status: 'failed', reason: result.reason, retriable: result.retriable };
  }
  const { messageId, segments } = result;
  return { status: 'sent', messageId, provider: name, ...(segments && { segments }) };
}
