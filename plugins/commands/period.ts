import { z } from 'zod';
import type { Period } from '../../lib/clock.ts';

/** The options of a command that works on a period, as the framework describes and prints them. */
export const PERIOD_OPTIONS = {
  from: { usage: 'The start of a period: 2026-11-23, 2026-11-23T09:00:00Z', type: 'string' },
  to: { usage: 'The end of the period, not included', type: 'string' },
} as const;

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text));

/** @throws Error that names the option that is not a time, or says that they are the wrong way round */
export function readPeriod(from: unknown, to: unknown): Period {
  const period = { from: timeOf('from', from), to: timeOf('to', to) };
  if (period.from >= period.to) throw new Error('--from must be before --to.');
  return period;
}

function timeOf(name: string, value: unknown): Date {
  const parsed = time.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `--${name} ${JSON.stringify(value)} is not a time: write 2026-11-23 (midnight UTC), ` +
      '2026-11-23T09:00:00Z or 2026-11-23T10:00:00+01:00.',
  );
}
