/** Runs `sls kafka status`: asks the running process and Kafka, or Kafka alone. */
import { z } from 'zod';
import { findStatus } from '../control/server.ts';
import { type Live, refusedStatus, type Status, statusOf } from '../control/status.ts';
import { mappingsOf } from '../definition.ts';
import { words } from '../words.ts';
import type { CommandContext } from './commands.ts';
import { isCalled, withoutMapping } from './mapping.ts';
import { textOf } from './option.ts';
import { remoteOf } from './remote.ts';

const answered = z.object({ mappings: z.array(z.looseObject({ uuid: z.string() })) });

export async function runStatus(context: CommandContext): Promise<void> {
  const { loaded, place, options, print } = context;
  const wanted = textOf(options.function);
  const { definitions } = loaded.definitions;
  const chosen = definitions.filter(
    ({ mapping }) => wanted === undefined || (mapping && isCalled(mapping, wanted)),
  );
  if (chosen.length === 0) {
    throw wanted === undefined
      ? new Error(`There is no Kafka mapping in ${words().template}.`)
      : withoutMapping(wanted, mappingsOf(loaded.definitions));
  }
  const found = answered.safeParse(await findStatus(place));
  const lives = (found.success ? found.data.mappings : []) as unknown as Live[];
  const statuses = await Promise.all(
    chosen.map(async (definition): Promise<Status> => {
      const { mapping } = definition;
      if (!mapping) return refusedStatus(definition);
      const live = lives.find(({ uuid }) => uuid === mapping.uuid);
      return statusOf(mapping, live, await remoteOf(mapping, context.debug));
    }),
  );
  if (options.json === true) {
    print(JSON.stringify({ running: found.success, mappings: statuses }, null, 2));
  } else {
    for (const status of statuses) print(describe(status));
  }
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
        `(${counts.shortened} of them lack fields), ${counts.dropped} dropped`,
    );
  }
  return [...lines, ...why.map((reason) => `  why: ${reason}`)].join('\n');
}
