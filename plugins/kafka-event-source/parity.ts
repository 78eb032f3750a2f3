/** Compares each deployed setting of a mapping with the setting that is used here. */
import { clusterConfig, registryOf, type Shape, serversOf } from './admission/shape.ts';
import { asText } from './json.ts';
import type { Mapping } from './mapping.ts';
import { AWS } from './options.ts';
import { settingRows } from './settings/settings.ts';
import { hasNoAccess } from './template/compile.ts';
import type { Deployed } from './template/deployed.ts';
import { isIntrinsic } from './template/intrinsic.ts';
import { words } from './words.ts';

export interface ParityRow {
  /** AWS's name of the setting. */
  readonly setting: string;
  readonly deployed: string;
  readonly here: string;
  /** `local`: a local setting differs; `emulator`: AWS does something that this plugin does not. */
  readonly difference: 'none' | 'local' | 'emulator';
  readonly why?: string;
}

interface Compared {
  readonly deployed: Deployed;
  readonly shape: Shape;
  readonly mapping: Mapping;
}

const NONE = '-';
const ITS_UUID = "the mapping's UUID";
const WIDEST = 60;

/** One row for each setting, in the order of AWS's own list. */
export function parityOf(compared: Compared): ParityRow[] {
  return [...whereFrom(compared), ...settings(compared), ...onlyOnAws(compared)];
}

/** The rows that differ, or all rows, as a table; empty if there are none. */
export function formatParity(rows: readonly ParityRow[], { all }: { all: boolean }): string {
  const shown = rows.filter(({ difference }) => all || difference !== 'none');
  if (shown.length === 0) return '';
  const table = [
    ['setting', 'deployed', 'here', all ? 'difference' : ''],
    ...shown.map(({ setting, deployed, here, difference, why = '' }) => [
      setting,
      clip(deployed),
      clip(here),
      difference === 'none' ? '' : why,
    ]),
  ];
  const widths = [0, 1, 2].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}

function clip(text: string): string {
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text;
}

function row(setting: string, deployed: unknown, here: unknown, why?: string): ParityRow {
  const [was, is] = [text(deployed), text(here)];
  if (was === is) return { setting, deployed: was, here: is, difference: 'none' };
  return { setting, deployed: was, here: is, difference: 'local', why: why ?? words().origin };
}

function unlike(setting: string, deployed: unknown, here: string, why: string): ParityRow {
  return { setting, deployed: text(deployed), here, difference: 'emulator', why };
}

function functionRow({ fn, qualifier }: Deployed, mapping: Mapping): ParityRow {
  const written = qualifier === undefined ? fn?.name : `${fn?.name}:${asText(qualifier)}`;
  const called =
    mapping.lambdaEndpoint === AWS && mapping.qualifier !== undefined
      ? `${mapping.functionName}:${mapping.qualifier}`
      : mapping.functionName;
  return written === called
    ? row('FunctionName', written, called)
    : unlike('FunctionName', written, called, 'no versions or aliases here');
}

function whereFrom({ deployed, shape, mapping }: Compared): ParityRow[] {
  const { condition } = deployed;
  const servers = serversOf(shape)?.map(text).join(',') ?? shape.EventSourceArn;
  const { SourceAccessConfigurations: written } = deployed.properties;
  const access = isIntrinsic(written)
    ? text(written)
    : mapping.access.map(({ type }) => type).join(', ');
  const rows = [
    functionRow(deployed, mapping),
    row('bootstrapServers', servers, mapping.bootstrapServers.join(',')),
    accessRow(mapping, access),
    row('Topics', shape.Topics[0], mapping.topic),
    groupRow(shape, mapping),
    registryRow(shape, mapping),
  ];
  if (condition !== undefined) {
    rows.push(unlike('Condition', condition, 'not evaluated', 'the mapping runs in any case'));
  }
  return rows;
}

// AWS: the default is the mapping's UUID; here the UUID is derived from the mapping's name.
function groupRow(shape: Shape, { groupId, uuid }: Mapping): ParityRow {
  const { ConsumerGroupId: group } = clusterConfig(shape);
  if (group !== undefined || groupId !== uuid)
    return row('ConsumerGroupId', group ?? ITS_UUID, groupId);
  return { setting: 'ConsumerGroupId', deployed: ITS_UUID, here: groupId, difference: 'none' };
}

function accessRow(mapping: Mapping, access: string): ParityRow {
  const setting = 'SourceAccessConfigurations';
  if (!hasNoAccess(mapping.access)) return row(setting, access, describeAccess(mapping, access));
  return { setting, deployed: NONE, here: describeAccess(mapping, ''), difference: 'none' };
}

function describeAccess({ connection }: Mapping, access: string): string {
  const { useDeployedAccess, ssl, sasl } = connection;
  if (useDeployedAccess && ssl === undefined && !sasl) return access || NONE;
  const found = [sasl && `SASL ${sasl.mechanism}`, ssl && 'TLS', useDeployedAccess && access];
  return found.filter(Boolean).join(', ') || 'PLAINTEXT';
}

function registryRow(shape: Shape, { schemaRegistry, endpoints }: Mapping): ParityRow {
  const uri = schemaRegistry && (endpoints.schemaRegistry ?? schemaRegistry.uri);
  const here = uri?.replace(/^(\w+:\/\/)[^/]*@/, '$1'); // Without the login that it may have.
  return row('SchemaRegistryConfig', registryOf(shape)?.SchemaRegistryURI, here);
}

function settings({ shape, mapping }: Compared): ParityRow[] {
  return settingRows().map(([name, setting]) =>
    row(name, setting.text(shape[name]), setting.text(setting.write(mapping))),
  );
}

/** Kinds of functions that serverless-offline runs like any other. */
function functionRows({ features: { durable, isManaged } }: Deployed): ParityRow[] {
  const rows: ParityRow[] = [];
  if (durable) {
    rows.push(
      unlike(
        'DurableConfig',
        { ExecutionTimeout: durable.timeoutSeconds },
        NONE,
        'serverless-offline calls the handler once, without checkpoints',
      ),
    );
  }
  if (isManaged) {
    rows.push(
      unlike(
        'CapacityProviderConfig',
        'many invocations at once in an environment',
        'one',
        'no managed instances: module state is not shared here by invocations at the same time',
      ),
    );
  }
  return rows;
}

/** Settings that AWS acts on and this plugin does not. */
function onlyOnAws({ deployed, shape, mapping }: Compared): ParityRow[] {
  const rows = functionRows(deployed);
  if (mapping.pollers?.group) {
    rows.push(
      unlike(
        'PollerGroupName',
        mapping.pollers.group,
        NONE,
        'here each mapping has its own pollers',
      ),
    );
  }
  // These have no effect on the function's events.
  for (const name of ['KmsKeyArn', 'Tags'] as const) {
    if (shape[name] !== undefined) {
      const deployed = text(shape[name]);
      rows.push({ setting: name, deployed, here: NONE, difference: 'none' });
    }
  }
  return rows;
}

function text(value: unknown): string {
  return value === undefined || value === '' ? NONE : asText(value);
}
