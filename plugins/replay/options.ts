import { z } from 'zod';
import type { ReplayWish } from '../../lib/order/replay.ts';

/** The command's options as the framework describes and prints them. */
export const OPTIONS = {
  order: { usage: 'The id of the order whose events are published again', type: 'string' },
  from: { usage: 'The start of a period: 2026-11-23, 2026-11-23T09:00:00Z', type: 'string' },
  to: { usage: 'The end of the period, itself not included', type: 'string' },
  yes: { usage: 'Publish; without it the command only says what it would do', type: 'boolean' },
} as const;

const HOW = 'Say --order <id>, or --from <time> --to <time>, and --yes to publish.';

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text));

/**
 * What to publish again, and whether to do it.
 *
 * @throws Error that says how the command is used
 */
export function readOptions(options: Record<string, unknown>): {
  wish: ReplayWish;
  publish: boolean;
} {
  const { order, from, to, yes } = options;
  const publish = yes === true;
  if (typeof order === 'string' && from === undefined && to === undefined) {
    return { wish: { order }, publish };
  }
  if (order !== undefined || from === undefined || to === undefined) throw new Error(HOW);
  const period = { from: timeOf('from', from), to: timeOf('to', to) };
  if (period.from >= period.to) throw new Error('--from must be before --to.');
  return { wish: period, publish };
}

function timeOf(name: string, value: unknown): Date {
  const parsed = time.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `--${name} ${JSON.stringify(value)} is no time: write 2026-11-23 (midnight UTC), ` +
      '2026-11-23T09:00:00Z or 2026-11-23T10:00:00+01:00.',
  );
}
