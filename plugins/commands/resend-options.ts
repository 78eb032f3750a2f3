import type { ResendSelection } from '../../lib/notification/ledger/resend.ts';
import { PERIOD_OPTIONS, readPeriod } from './period.ts';

/** The command's options as the framework describes and prints them. */
export const OPTIONS = {
  order: { usage: 'The id of the order whose notifications are sent again', type: 'string' },
  ...PERIOD_OPTIONS,
  all: { usage: 'All notifications that were given up', type: 'boolean' },
  yes: {
    usage: 'Send them again; without it the command only shows the notifications',
    type: 'boolean',
  },
} as const;

const HOW = 'Use --all, --order <id>, or --from <time> --to <time>, and --yes to send them again.';

/**
 * Reads the selection of notifications, and `--yes`. Without a selection all are shown, and none is sent again.
 *
 * @throws Error that says how the command is used
 */
export function readOptions(options: Record<string, unknown>): {
  selection: ResendSelection;
  put: boolean;
} {
  const { order, from, to, all } = options;
  const put = options.yes === true;
  const isPeriod = from !== undefined || to !== undefined;
  const chosen = [order !== undefined, isPeriod, all === true].filter(Boolean).length;
  if (chosen > 1 || (chosen === 0 && put)) throw new Error(HOW);
  if (typeof order === 'string') return { selection: { order }, put };
  if (!isPeriod) return { selection: 'all', put };
  if (from === undefined || to === undefined) throw new Error(HOW);
  return { selection: readPeriod(from, to), put };
}
