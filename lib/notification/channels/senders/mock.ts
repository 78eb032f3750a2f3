import { randomUUID } from 'node:crypto';
import { text } from '../../templates/text.ts';
import type { AnyMessage, Sender } from './sender.ts';

/** The parts of a message that are not printed. */
const MACHINES_READ = new Set(['html', 'unsubscribe']);

/** The inbox keeps the newest messages only. */
const INBOX_SIZE = 1_000;

/**
 * Prints the message instead of sending it, and keeps it: the inbox of a laptop. It shows the whole
 * address, which a log never does.
 */
export function createMockSender(
  print: (text: string) => void = console.log,
): Sender<AnyMessage> & { inbox: readonly AnyMessage[] } {
  const inbox: AnyMessage[] = [];
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

function letterOf({ channel, orderId, to, ...parts }: AnyMessage): string {
  const lines = Object.entries(parts).flatMap(([name, value]) => {
    if (MACHINES_READ.has(name)) return [];
    const title = `${name[0]?.toUpperCase()}${name.slice(1)}:`;
    const [line = '', ...more] = String(value).split('\n');
    return more.length === 0
      ? `${title} ${line}`
      : [title, ...[line, ...more].map((l) => `  ${l}`)];
  });
  // The event of a foreign producer may have any text as its order's id.
  return [text`--- ${channel} for order ${orderId}`, `To: ${to}`, ...lines, '---'].join('\n');
}
