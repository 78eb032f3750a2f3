/** Runs `sls kafka alarms`: which of the template's alarms would have rung since the start, or in the last day. */
import { z } from 'zod';
import { findStatus } from '../control/server.ts';
import type { Live } from '../control/status.ts';
import { mappingsOf } from '../definition.ts';
import { evaluate, type Verdict } from '../monitoring/alarms.ts';
import { type Datapoint, together } from '../monitoring/metrics.ts';
import { type ReadAlarm, readAlarms } from '../template/alarms.ts';
import { words } from '../words.ts';
import type { CommandContext } from './commands.ts';

const answered = z.object({
  mappings: z.array(z.looseObject({ uuid: z.string(), metrics: z.looseObject({}) })),
});

/** An alarm with its times as ISO 8601. */
interface Evaluated {
  readonly alarm: string;
  readonly metric: string;
  readonly state: Verdict['state'];
  readonly rang: readonly { readonly from: string; readonly to?: string }[];
  readonly note?: string;
}

interface NotEvaluated {
  readonly alarm: string;
  readonly notEvaluated: string;
}

export async function runAlarms({ loaded, place, options, print }: CommandContext): Promise<void> {
  const { service, definitions, options: given } = loaded;
  const mappings = mappingsOf(definitions);
  const found = readAlarms(service, mappings, given);
  if (found.length === 0) throw new Error('The template has no CloudWatch alarm.');
  const answer = answered.safeParse(await findStatus(place));
  if (!answer.success) {
    throw new Error(
      `No ${words().start} of this service runs here, so there are no metrics. Start it, and ask ` +
        'again while it runs.',
    );
  }
  const lives = answer.data.mappings as unknown as Live[];
  const until = Date.now();
  const alarms = found.map((one): Evaluated | NotEvaluated => {
    if ('reason' in one) return { alarm: one.id, notEvaluated: one.reason };
    return evaluated(one, lives, until);
  });
  const since = Math.min(...lives.map(({ metrics }) => metrics?.since ?? until));
  const period = { since: iso(since), until: iso(until) };
  if (options.json === true) print(JSON.stringify({ ...period, alarms }, null, 2));
  else print([`From ${period.since} to ${period.until}:`, ...alarms.map(describe)].join('\n'));
}

function evaluated(
  { id, metric, mappings, alarm, note }: ReadAlarm,
  lives: readonly Live[],
  until: number,
): Evaluated {
  const own = lives.flatMap(({ uuid, metrics }) => (mappings.includes(uuid) && metrics) || []);
  const since = Math.min(...own.map((one) => one.since), until);
  const datapoints = merged(own.flatMap((one) => one.datapoints[metric] ?? []));
  const { state, rang } = evaluate(alarm, datapoints, { since, until });
  return {
    alarm: id,
    metric,
    state,
    rang: rang.map(({ from, to }) => ({ from: iso(from), ...(to && { to: iso(to) }) })),
    ...(note && { note }),
  };
}

/** The datapoints of several mappings, one for each minute. */
function merged(datapoints: readonly Datapoint[]): Datapoint[] {
  const byMinute = new Map<number, Datapoint>();
  for (const one of datapoints) {
    const other = byMinute.get(one.at);
    byMinute.set(one.at, other ? together(other, one) : one);
  }
  return [...byMinute.values()];
}

function describe(one: Evaluated | NotEvaluated): string {
  if ('notEvaluated' in one) return `  ${one.alarm}: not evaluated, ${one.notEvaluated}`;
  const { alarm, metric, state, rang, note } = one;
  const times = rang.map(({ from, to }) => `${from} to ${to ?? 'now'}`).join(', ');
  const what = times ? `RANG from ${times}` : 'did not ring';
  return `  ${alarm}: ${what}; ${metric}, now ${state}${note ? ` (${note})` : ''}`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
