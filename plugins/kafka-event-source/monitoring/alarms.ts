/** Evaluates a CloudWatch alarm with a static threshold over the datapoints of one metric. */
import { type Datapoint, MINUTE_MS, together } from './metrics.ts';

export const STATISTICS = {
  Sum: ({ sum }: Datapoint) => sum,
  Average: ({ sum, samples }: Datapoint) => sum / samples,
  Minimum: ({ minimum }: Datapoint) => minimum,
  Maximum: ({ maximum }: Datapoint) => maximum,
  SampleCount: ({ samples }: Datapoint) => samples,
} as const;

export const COMPARISONS = {
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
} as const;

/** The ways to count a period without data. */
export const MISSING_DATA = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

export interface Alarm {
  readonly statistic: keyof typeof STATISTICS;
  readonly periodMinutes: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: keyof typeof COMPARISONS;
  readonly threshold: number;
  readonly missing: (typeof MISSING_DATA)[number];
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface Verdict {
  /** The state at the last evaluation. */
  readonly state: AlarmState;
  /** The times in state ALARM, in milliseconds since 1970; the last one may go on. */
  readonly rang: readonly { readonly from: number; readonly to?: number }[];
}

/** AWS looks further back than the evaluation periods; in its example of 3 periods by 2 more. */
const FURTHER_PERIODS = 2;

/** Evaluates the alarm at the end of each whole minute, as CloudWatch does. */
export function evaluate(
  alarm: Alarm,
  datapoints: readonly Datapoint[],
  { since, until }: { readonly since: number; readonly until: number },
): Verdict {
  const { periodMinutes, evaluationPeriods, missing } = alarm;
  const byMinute = new Map(datapoints.map((one) => [one.at, one]));
  const begin = since - (since % MINUTE_MS);
  // Nothing was running before: these minutes are no missing data that the alarm is about.
  const wait = missing === 'breaching' ? evaluationPeriods * periodMinutes : 1;
  let state: AlarmState = 'INSUFFICIENT_DATA';
  const rang: { from: number; to?: number }[] = [];
  for (let end = begin + wait * MINUTE_MS; end <= until; end += MINUTE_MS) {
    const next = stateOf(breachesUntil(end, alarm, byMinute), alarm, state);
    const last = rang.at(-1);
    if (next === 'ALARM' && state !== 'ALARM') rang.push({ from: end });
    if (next !== 'ALARM' && state === 'ALARM' && last) last.to = end;
    state = next;
  }
  return { state, rang };
}

/**
 * The alarm's state, of the breaches in its evaluation range.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 *
 * @param range the oldest period first: whether it breaches; undefined if it has no datapoint
 */
export function stateOf(
  range: readonly (boolean | undefined)[],
  {
    evaluationPeriods,
    datapointsToAlarm,
    missing,
  }: Pick<Alarm, 'evaluationPeriods' | 'datapointsToAlarm' | 'missing'>,
  before: AlarmState,
): AlarmState {
  const found = range.filter((one) => one !== undefined).slice(-evaluationPeriods);
  const lacking = evaluationPeriods - found.length;
  const breaches = found.filter(Boolean).length + (missing === 'breaching' ? lacking : 0);
  if (breaches >= datapointsToAlarm) return 'ALARM';
  if (lacking === 0 || missing === 'breaching' || missing === 'notBreaching') return 'OK';
  if (found.includes(false)) return 'OK';
  if (missing === 'ignore') return before;
  if (found.length === 0) return 'INSUFFICIENT_DATA';
  // AWS: when all that there is breaches, the alarm waits for as many periods as it needs datapoints.
  const age = range.length - range.indexOf(true);
  return age >= datapointsToAlarm ? 'ALARM' : before;
}

function breachesUntil(
  end: number,
  { statistic, periodMinutes, evaluationPeriods, comparison, threshold }: Alarm,
  byMinute: ReadonlyMap<number, Datapoint>,
): (boolean | undefined)[] {
  const periods = evaluationPeriods + FURTHER_PERIODS;
  return Array.from({ length: periods }, (_, index) => {
    const first = end - (periods - index) * periodMinutes * MINUTE_MS;
    const found = Array.from({ length: periodMinutes }, (__, minute) =>
      byMinute.get(first + minute * MINUTE_MS),
    ).filter((one) => one !== undefined);
    if (found.length === 0) return undefined;
    return COMPARISONS[comparison](STATISTICS[statistic](found.reduce(together)), threshold);
  });
}
