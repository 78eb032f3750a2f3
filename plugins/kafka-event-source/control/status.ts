/** A mapping's state, its lag, and the reasons why records do not come: for `sls kafka status`. */
import { RESULTS } from '../access/result.ts';
import type { Definition } from '../definition.ts';
import type { Blocked, MappingStats } from '../delivery/stats.ts';
import type { Mapping } from '../mapping.ts';
import { type MetricsView, MINUTE_MS } from '../monitoring/metrics.ts';
import { plural } from '../plural.ts';
import { NOTHING_COMMITTED } from '../poller/note.ts';
import type { Condition } from '../poller/poller.ts';
import { words } from '../words.ts';
import type { State, View } from './runtime.ts';

const HOUR_MS = 60 * MINUTE_MS;

/** A mapping's state in the running process. */
export interface Live {
  readonly uuid: string;
  readonly state: State;
  readonly modified: number;
  readonly stats?: MappingStats;
  readonly condition?: Condition;
  readonly metrics?: MetricsView;
}

/** A mapping's topic and group in Kafka. */
export interface Remote {
  readonly error?: string;
  /** Undefined if the topic does not exist or Kafka does not answer. */
  readonly partitions?: readonly {
    readonly partition: number;
    /** The offset after the last record that may be read. */
    readonly end: number;
    readonly low: number;
    /** The offset after the last record, also after those that an open transaction holds up. */
    readonly highWatermark?: number;
    /** -1 for none. */
    readonly committed: number;
  }[];
  /** The number of the group's members. */
  readonly members: number;
}

export interface Status {
  readonly name: string;
  readonly uuid: string;
  readonly function: string;
  readonly topic: string;
  readonly group: string;
  readonly servers: readonly string[];
  readonly state: State | 'Not running' | 'Refused';
  readonly lastResult?: string;
  readonly lastResultAt?: string;
  readonly lag?: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly committed?: number;
    readonly end: number;
    readonly lag: number;
    readonly blocked?: Blocked;
  }[];
  readonly counts?: Omit<MappingStats, 'lastResult' | 'lastResultAt' | 'partitions'>;
  /** The datapoints of the last hour. */
  readonly metrics?: MetricsView['datapoints'];
  /** The reasons why records do not come, a line each; never empty. */
  readonly why: readonly string[];
}

export function liveOf({ mapping, state, modified, stats, condition, metrics }: View): Live {
  return {
    uuid: mapping.uuid,
    state,
    modified,
    metrics,
    ...(stats && { stats }),
    ...(condition && { condition }),
  };
}

/** @param live undefined when no process runs the mapping here */
export function statusOf(mapping: Mapping, live: Live | undefined, remote: Remote): Status {
  const { lastResult, lastResultAt, partitions: polled, ...counts } = live?.stats ?? {};
  const partitions = (remote.partitions ?? []).map(({ partition, committed, end, low }) => {
    const blocked = polled?.find((one) => one.partition === partition)?.blocked;
    const position = committed === NOTHING_COMMITTED ? startOf(mapping, low, end) : committed;
    return {
      partition,
      ...(committed >= 0 && { committed }),
      end,
      lag: Math.max(0, end - Math.max(position, low)),
      ...(blocked && { blocked }),
    };
  });
  const lag = remote.partitions && partitions.reduce((sum, one) => sum + one.lag, 0);
  const status = {
    name: mapping.name,
    uuid: mapping.uuid,
    function: mapping.functionName,
    topic: mapping.topic,
    group: mapping.groupId,
    servers: mapping.bootstrapServers,
    state: live?.state ?? ('Not running' as const),
    ...(lastResult && { lastResult }),
    ...(lastResultAt && { lastResultAt: new Date(lastResultAt).toISOString() }),
    ...(lag !== undefined && { lag }),
    partitions,
    ...(live?.stats && { counts: counts as NonNullable<Status['counts']> }),
    ...(live?.metrics && { metrics: lastHour(live.metrics) }),
  };
  return { ...status, why: reasons(mapping, live, remote, status) };
}

function lastHour({ datapoints }: MetricsView): MetricsView['datapoints'] {
  const begin = Date.now() - HOUR_MS;
  return Object.fromEntries(
    Object.entries(datapoints)
      .map(([name, all]) => [name, all.filter(({ at }) => at >= begin)] as const)
      .filter(([, all]) => all.length > 0),
  );
}

/** The status of a mapping that is refused. */
export function refusedStatus({ name, where, refusals }: Definition): Status {
  return {
    name,
    uuid: '',
    function: '',
    topic: '',
    group: '',
    servers: [],
    state: 'Refused',
    partitions: [],
    why: refusals.map(({ message }) => `it does not start: ${message} (${where})`),
  };
}

/** The partitions in which an open transaction holds up records, with the number of their offsets. */
function heldUp({ partitions = [] }: Remote) {
  return partitions
    .map(({ partition, end, highWatermark = end }) => ({
      partition,
      end,
      count: highWatermark - end,
    }))
    .filter(({ count }) => count > 0);
}

function startOf({ startingPosition }: Mapping, low: number, end: number): number {
  return startingPosition === 'LATEST' ? end : low;
}

function reasons(
  mapping: Mapping,
  live: Live | undefined,
  remote: Remote,
  { partitions, lag }: Pick<Status, 'partitions' | 'lag'>,
): string[] {
  const found = [...ofProcess(mapping, live, remote), ...ofKafka(mapping, remote)];
  for (const { partition, blocked } of partitions) {
    if (!blocked) continue;
    const { offset, reason, attempts, isRetried } = blocked;
    found.push(
      `partition ${partition} is blocked by offset ${offset} after ${plural(attempts, 'attempt')}: ${reason}` +
        `${isRetried ? '; it is tried again' : '; it is not tried again'}`,
    );
  }
  const { stats } = live ?? {};
  if (stats?.filtered) found.push(`the filters have dropped ${plural(stats.filtered, 'record')}`);
  if (stats?.dropped) found.push(`it has given up and dropped ${plural(stats.dropped, 'record')}`);
  if (stats?.throttles) {
    const { throttles, lastResult } = stats;
    const why = lastResult === RESULTS.ok ? '' : `: ${lastResult}`;
    found.push(`${plural(throttles, 'invocation')} did not reach the function${why}`);
  }
  if (lag === 0 && heldUp(remote).length === 0) {
    const latest = 'LATEST: records from before its first start are not delivered';
    const first = mapping.startingPosition === 'LATEST' ? ` (starting position ${latest})` : '';
    found.push(`there is nothing new: all partitions are done up to their ends${first}`);
  }
  if (found.length > 0) return found;
  return [
    `nothing holds it up; still to come: ${lag === undefined ? 'an unknown number of records' : plural(lag, 'record')}`,
  ];
}

function ofProcess(mapping: Mapping, live: Live | undefined, remote: Remote): string[] {
  const others = (count: number) =>
    `${count > 0 ? plural(count, 'other member') : 'other members'} of the group ${mapping.groupId}`;
  if (!live) {
    const enabled = mapping.enabled ? '' : ', and it is disabled in the template';
    return [
      `no ${words().start} of this service runs here${enabled}; this is what Kafka has committed`,
      ...(remote.members > 0 ? [`its records go to ${others(remote.members)}`] : []),
    ];
  }
  if (live.state === 'Disabled') return ['it is disabled'];
  if (live.state !== 'Enabled') return [`it is ${live.state}`];
  const { problem, partitions } = live.condition ?? {};
  if (problem) return [problem];
  if (!partitions) return ['it joins its group: this takes up to 10 s after another process ended'];
  if (partitions.length === 0) {
    // One of the members is this process.
    return [`it has no partitions: they belong to ${others(remote.members - 1)}`];
  }
  const missing = (remote.partitions ?? []).filter((one) => !partitions.includes(one.partition));
  if (missing.length === 0) return [];
  const list = missing.map(({ partition }) => partition).join(', ');
  return [`other members of the group have partitions ${list}`];
}

function ofKafka({ topic, bootstrapServers }: Mapping, remote: Remote): string[] {
  const { error, partitions } = remote;
  const servers = bootstrapServers.join(',');
  if (error) return [`Kafka at ${servers} does not answer: ${error}`];
  if (!partitions) return [`there is no topic ${topic} at ${servers}: create it`];
  return heldUp(remote).map(
    ({ partition, end, count }) =>
      `partition ${partition}: an open transaction at offset ${end} holds up what follows it, ` +
      plural(count, 'offset'),
  );
}
