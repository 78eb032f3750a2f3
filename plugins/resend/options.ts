import { z } from 'zod';
import type { ResendWish } from '../../lib/notification/resend.ts';

/** The command's options as the framework describes and prints them. */
export const OPTIONS = {
  order: { usage: 'The id of the order whose notifications are put back', type: 'string' },
  from: { usage: 'The start of a period: 2026-11-23, 2026-11-23T09:00:00Z', type: 'string' },
  to: { usage: 'The end of the period, itself not included', type: 'string' },
  all: { usage: 'All that were given up', type: 'boolean' },
  yes: { usage: 'Put back; without it the command only says what it would do', type: 'boolean' },
} as const;

const HOW = 'Say --all, --order <id>, or --from <time> --to <time>, and --yes to put back.';

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text));

/**
 * What to put back, and whether to do it. Without a choice all is shown, and nothing put back.
 *
 * @throws Error that says how the command is used
 */
export function readOptions(options: Record<string, unknown>): { wish: ResendWish; put: boolean } {
  const { order, from, to, all } = options;
  const put = options.yes === true;
  const isPeriod = from !== undefined || to !== undefined;
  const chosen = [order !== undefined, isPeriod, all === true].filter(Boolean).length;
  if (chosen > 1 || (chosen === 0 && put)) throw new Error(HOW);
  if (typeof order === 'string') return { wish: { order }, put };
  if (!isPeriod) return { wish: 'all', put };
  if (from === undefined || to === undefined) throw new Error(HOW);
  const period = { from: timeOf('from', from), to: timeOf('to', to) };
  if (period.from >= period.to) throw new Error('--from must be before --to.');
  return { wish: period, put };
}

function timeOf(name: string, value: unknown): Date {
  const parsed = time.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `--${name} ${JSON.stringify(value)} is no time: write 2026-11-23 (midnight UTC), ` +
      '2026-11-23T09:00:00Z or 2026-11-23T10:00:00+01:00.',
  );
}
