/** The report about the mappings when polling starts. */
import type { Refusal } from './admission/refusal.ts';
import type { Definition, Definitions, Loaded } from './definition.ts';
import type { UserLog } from './log.ts';
import type { Mapping } from './mapping.ts';
import { ConfigurationError, type Options } from './options.ts';
import { formatParity } from './parity.ts';
import { words } from './words.ts';

/** Logs a line for each mapping, and its differences from the deployed one. */
export function report(
  { definitions, warnings, notDeployed }: Definitions,
  { report: isWhole }: Pick<Options, 'report'>,
  log: UserLog,
): void {
  for (const warning of warnings) log.warning(warning);
  for (const one of notDeployed)
    log.notice(`Kafka event source: not deployed, and not polled: ${one}`);
  for (const definition of definitions) {
    const { name, where, mapping, refusals, parity } = definition;
    if (mapping) log.notice(describe(mapping));
    for (const refusal of refusals) {
      log.error(`${name} is not started. ${where}: ${describeRefusal(refusal)}`);
    }
    for (const warning of definition.warnings) log.warning(`${name}: ${warning}`);
    const differences = formatParity(parity, { all: false });
    if (isWhole && parity.length > 0) log.notice(formatParity(parity, { all: true }));
    else if (differences) log.notice(differences);
    if (!isWhole && parity.length > 0) log.info(formatParity(parity, { all: true }));
  }
}

/**
 * Refuses, where the option `strict` is set, a service with a refused mapping, a warning, or a difference
 * from AWS that no local setting makes.
 *
 * @throws ConfigurationError that names each fault
 */
export function refuseFaults({
  definitions: { definitions, warnings },
  options: { strict },
}: Pick<Loaded, 'definitions' | 'options'>): void {
  const faults = strict ? [...warnings, ...definitions.flatMap(faultsOf)] : [];
  if (faults.length === 0) return;
  const advice = `${words().setting('strict')} is true: mend these, or remove strict.`;
  throw new ConfigurationError([...faults, advice].join('\n'), 'KAFKA_EVENT_SOURCE_STRICT');
}

function faultsOf({ name, where, refusals, warnings, parity }: Definition): string[] {
  const differences = parity.filter(({ difference }) => difference === 'emulator');
  return [
    ...refusals.map((refusal) => `${where}: ${describeRefusal(refusal)}`),
    ...warnings.map((warning) => `${name}: ${warning}`),
    ...differences.map(
      ({ setting, deployed, here, why }) =>
        `${name}: ${setting} is ${deployed} as deployed and ${here} here: ${why}.`,
    ),
  ];
}

/** A refusal in words, with who refuses it. */
export function describeRefusal({ by, code, message, advice }: Refusal): string {
  if (by === 'emulator') return message;
  const who = by === 'AWS' ? 'AWS refuses it' : 'The framework refuses it';
  return `${who}${code ? ` (${code})` : ''}: ${message}${advice ? ` ${advice}` : ''}`;
}

function describe(mapping: Mapping): string {
  const { name, groupId, batchSize, windowMs, bootstrapServers, enabled } = mapping;
  const responses = mapping.reportBatchItemFailures ? 'ReportBatchItemFailures' : 'whole batch';
  return (
    `Kafka event source: ${name}${enabled ? '' : ' is disabled'}, group ${groupId}, batch size ` +
    `${batchSize}, window ${windowMs} ms, servers ${bootstrapServers.join(',')}, ` +
    `responses ${responses}`
  );
}
