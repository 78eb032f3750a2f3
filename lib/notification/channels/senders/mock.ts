import { randomUUID } from 'node:crypto';
import type { Message, Sender } from '../channels.ts';

/** Kept for whoever looks into the inbox; older ones go. */
const INBOX_SIZE = 1_000;

/**
 * Prints the message instead of sending it, and keeps it: the inbox of a laptop. It shows the whole
 * address, which a log never does.
 */
export function createMockSender(
  print: (text: string) => void = console.log,
): Sender & { inbox: readonly Message[] } {
  const inbox: Message[] = [];
  return {
    name: 'mock',
    inbox,
    async send(message) {
      print(letterOf(message));
      inbox.push(message);
      if (inbox.length > INBOX_SIZE) inbox.shift();
      return { success: true, messageId: `mock-${randomUUID()}` };
    },
  };
}

function letterOf(message: Message): string {
  const lines =
    message.channel === 'email'
      ? [`Subject: ${message.subject}`, 'Body:', ...message.body.split('\n').map((l) => `  ${l}`)]
      : [`Text: ${message.text}`];
  return [
    `--- ${message.channel} for order ${message.orderId}`,
    `To: ${message.to}`,
    ...lines,
    '---',
  ].join('\n');
}
