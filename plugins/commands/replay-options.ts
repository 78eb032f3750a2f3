import type { ReplaySelection } from '../../lib/order/replay.ts';
import { PERIOD_OPTIONS, readPeriod } from './period.ts';

/** The command's options as the framework describes and prints them. */
export const OPTIONS = {
  order: { usage: 'The id of the order whose events are published again', type: 'string' },
  ...PERIOD_OPTIONS,
  yes: { usage: 'Publish; without it the command only shows the events', type: 'boolean' },
} as const;

const HOW = 'Use --order <id>, or --from <time> --to <time>, and --yes to publish.';

/**
 * Reads the selection of events, and `--yes`.
 *
 * @throws Error that says how the command is used
 */
export function readOptions(options: Record<string, unknown>): {
  selection: ReplaySelection;
  publish: boolean;
} {
  const { order, from, to, yes } = options;
  const publish = yes === true;
  if (typeof order === 'string' && from === undefined && to === undefined) {
    return { selection: { order }, publish };
  }
  if (order !== undefined || from === undefined || to === undefined) throw new Error(HOW);
  return { selection: readPeriod(from, to), publish };
}
