import type { EmailMessage } from './sender.ts';

/**
 * The headers by which a mail program unsubscribes its reader in one click, by a POST to the address
 * (https://www.rfc-editor.org/rfc/rfc8058). Large mailbox providers ask for them.
 */
export function unsubscribeHeaders({ unsubscribe }: EmailMessage): Record<string, string> {
  if (!unsubscribe) return {};
  return {
    'List-Unsubscribe': `<${unsubscribe}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}
