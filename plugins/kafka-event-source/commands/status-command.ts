/** Runs `sls kafka status`: asks the running process and Kafka, or Kafka alone. */
import type { Admin } from 'kafkajs';
import { z } from 'zod';
import { createClient } from '../access/connect.ts';
import { findStatus } from '../control/server.ts';
import { type Live, type Remote, refusedStatus, type Status, statusOf } from '../control/status.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { HIGH_WATERMARK } from '../protocol/client.ts';
import { within } from '../time.ts';
import type { CommandContext } from './commands.ts';
import { isCalled, withoutMapping } from './mapping.ts';
import { textOf } from './option.ts';
import { boundsOf, withAdmin } from './scan.ts';

const answered = z.object({ mappings: z.array(z.looseObject({ uuid: z.string() })) });
const GROUP_MS = 15_000;

export async function runStatus(context: CommandContext): Promise<void> {
  const { loaded, place, options, print } = context;
  const wanted = textOf(options.function);
  const { definitions } = loaded.definitions;
  const chosen = definitions.filter(
    ({ mapping }) => wanted === undefined || (mapping && isCalled(mapping, wanted)),
  );
  if (chosen.length === 0) {
    throw wanted === undefined ? new Error('There is no Kafka mapping.') : withoutMapping(wanted);
  }
  const found = answered.safeParse(await findStatus(place));
  const lives = (found.success ? found.data.mappings : []) as unknown as Live[];
  const statuses = await Promise.all(
    chosen.map(async (definition): Promise<Status> => {
      const { mapping } = definition;
      if (!mapping) return refusedStatus(definition);
      const live = lives.find(({ uuid }) => uuid === mapping.uuid);
      return statusOf(mapping, live, await remoteOf(mapping, context));
    }),
  );
  if (options.json === true) {
    print(JSON.stringify({ running: found.success, mappings: statuses }, null, 2));
  } else {
    for (const status of statuses) print(describe(status));
  }
}

async function remoteOf(mapping: Mapping, { debug }: CommandContext): Promise<Remote> {
  try {
    const kafka = await createClient(mapping, { debug });
    return await withAdmin(kafka, mapping.bootstrapServers, (admin) => ask(admin, mapping));
  } catch (error) {
    const { cause } = error as Error;
    return { error: messageOf(cause ?? error), members: 0 };
  }
}

async function ask(admin: Admin, { topic, groupId }: Mapping): Promise<Remote> {
  const bounds = await boundsOf(admin, topic);
  const group = within(GROUP_MS, 'the group', admin.describeGroups([groupId]));
  const members = (await group).groups[0]?.members.length ?? 0;
  if (!bounds) return { members };
  const watermarks = await within(
    GROUP_MS,
    `the ends of ${topic}`,
    admin.fetchTopicOffsetsByTimestamp(topic, HIGH_WATERMARK),
  );
  const watermark = (partition: number) =>
    Number(watermarks.find((one) => one.partition === partition)?.offset ?? 0);
  const [offsets] = await within(
    GROUP_MS,
    'the committed offsets',
    admin.fetchOffsets({ groupId, topics: [topic] }),
  );
  const committed = new Map(
    offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]),
  );
  return {
    members,
    partitions: bounds.map(({ partition, low, high }) => ({
      partition,
      low,
      end: high,
      highWatermark: Math.max(high, watermark(partition)),
      committed: committed.get(partition) ?? -1,
    })),
  };
}

function describe(status: Status): string {
  const { name, state, topic, group, servers, lastResult, lastResultAt, partitions, why } = status;
  const { counts } = status;
  const lines = [`${name}: ${state}`];
  if (topic) lines.push(`  topic ${topic}, group ${group}, servers ${servers.join(',')}`);
  if (lastResult) {
    lines.push(`  last result: ${lastResult}${lastResultAt ? ` (${lastResultAt})` : ''}`);
  }
  for (const { partition, committed, end, lag, blocked } of partitions) {
    const at = blocked ? `, blocked by offset ${blocked.offset}` : '';
    lines.push(
      `  partition ${partition}: committed ${committed ?? 'nothing'}, end ${end}, lag ${lag}${at}`,
    );
  }
  if (counts) {
    lines.push(
      `  ${counts.invocations} invocations, ${counts.succeeded} records done, ` +
        `${counts.failedInvocations} failures, ${counts.retries} retries, ` +
        `${counts.filtered} filtered out, ${counts.sentToDestination} sent to the destination ` +
        `(${counts.shortened} without all fields), ${counts.dropped} dropped`,
    );
  }
  return [...lines, ...why.map((reason) => `  why: ${reason}`)].join('\n');
}
