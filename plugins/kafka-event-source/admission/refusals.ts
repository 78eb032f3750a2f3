/** Refuses a mapping as AWS does: by its source, access, starting position, filters and function. */
import type { z } from 'zod';
import { isObject } from '../json.ts';
import { CONSTRAINT } from '../settings/rules.ts';
import type { Deployed } from '../template/deployed.ts';
import { isIntrinsic } from '../template/intrinsic.ts';
import { words } from '../words.ts';
import { refuseFilters } from './filters.ts';
import { refuseFunction } from './functions.ts';
import { refuseDestination, refuseModes } from './modes.ts';
import {
  accountAdvice,
  cannotRun,
  invalid,
  paraphrased,
  type Refusal,
  validation,
} from './refusal.ts';
import { refuseRegistry } from './registry.ts';
import { type Shape, serversOf, shape, UNSUPPORTED } from './shape.ts';
import { isByRole, isByToken, refuseTokens } from './tokens.ts';
import { MSK_ACCESS, VPC_TYPES } from './warnings.ts';

export type Admission =
  | { readonly shape: Shape; readonly refusals: readonly Refusal[] }
  | { readonly shape?: undefined; readonly refusals: readonly Refusal[] };

const ACCESS_URI = /^[a-zA-Z0-9-/*:_+=.@]{1,200}$/;
const SELF_MANAGED_ACCESS: readonly string[] = [
  ...MSK_ACCESS,
  ...VPC_TYPES,
  'BASIC_AUTH',
  'SASL_SCRAM_256_AUTH',
  'SERVER_ROOT_CA_CERTIFICATE',
];

/** Reads the properties. A mapping with refusals must not start. */
export function admit(deployed: Deployed, now: number): Admission {
  const unsupported = Object.keys(deployed.properties).filter((name) => name in UNSUPPORTED);
  if (unsupported.length > 0) {
    const refusals = unsupported.map((name) =>
      invalid(`Unsupported '${UNSUPPORTED[name]}' parameter for given event source mapping type.`),
    );
    return { refusals };
  }
  const result = shape.safeParse(deployed.properties);
  if (!result.success) {
    return { refusals: result.error.issues.map((issue) => toRefusal(issue, deployed)) };
  }
  const { data } = result;
  const rules = [
    refuseSource,
    refuseAccess,
    refuseStart,
    refuseFilters,
    refuseModes,
    refuseDestination,
  ];
  const refusals = rules.flatMap((rule) => rule(data, deployed, now));
  return {
    shape: data,
    refusals: [...refusals, ...refuseRegistry(data, deployed.region), ...refuseFunction(deployed)],
  };
}

function refuseSource(properties: Shape, { kind }: Deployed): Refusal[] {
  const { EventSourceArn: arn, SelfManagedEventSource: own } = properties;
  const found: Refusal[] = [];
  if (arn !== undefined && own !== undefined) {
    found.push(
      invalid(
        "Unsupported 'selfManagedEventSource' parameter for given event source mapping type.",
      ),
    );
  }
  const servers = serversOf(properties);
  if (servers && (servers.length < 1 || servers.length > 10)) {
    found.push(
      paraphrased(`The mapping has ${servers.length} bootstrap servers; 1 to 10 are allowed.`),
    );
  }
  const other =
    kind === 'msk' ? 'SelfManagedKafkaEventSourceConfig' : 'AmazonManagedKafkaEventSourceConfig';
  if (properties[other] !== undefined) {
    found.push(paraphrased(`${other} is for the other kind of cluster.`));
  }
  return found;
}

/** The way out for a cluster without authentication, such as one for local work only. */
function accessAdvice(where: string): string {
  const written = where.startsWith('functions.')
    ? 'accessConfigurations: { vpcSubnet: [subnet-1], vpcSecurityGroup: [sg-1] }'
    : 'SourceAccessConfigurations: [{ Type: VPC_SUBNET, URI: subnet:subnet-1 }, ' +
      '{ Type: VPC_SECURITY_GROUP, URI: security_group:sg-1 }]';
  return (
    `A cluster without authentication needs the subnets and the security group of its VPC: ${written}. ` +
    'For work on this machine only, these made-up names will do.'
  );
}

function refuseAccess(
  { SourceAccessConfigurations: access }: Shape,
  { kind, where, fn, properties }: Deployed,
): Refusal[] {
  if (isIntrinsic(properties.SourceAccessConfigurations)) return [];
  if (kind === 'kafka' && access.length === 0) {
    const missing = invalid("Required 'sourceAccessConfigurations' parameter is missing.");
    return [{ ...missing, advice: accessAdvice(where) }];
  }
  const found: Refusal[] = [];
  for (const { Type: type, URI: uri } of access) {
    if (type === 'VIRTUAL_HOST') {
      found.push(paraphrased('The access VIRTUAL_HOST is for RabbitMQ, and not for Kafka.'));
    } else if (!SELF_MANAGED_ACCESS.includes(type) && !isByToken(type)) {
      found.push(paraphrased(`There is no source access configuration of type ${type}.`));
    }
    if (isByRole(type) && uri === undefined) continue;
    if (!isIntrinsic(uri) && !(typeof uri === 'string' && ACCESS_URI.test(uri))) {
      found.push(
        paraphrased(
          `The source access configuration ${type} has no valid URI: ${JSON.stringify(uri)}.`,
        ),
      );
    }
  }
  found.push(...refuseTokens(access.map(({ Type }) => Type)));
  const missing = VPC_TYPES.filter((type) => !access.some(({ Type }) => Type === type));
  if (missing.length === 1 && where.startsWith('functions.')) {
    const property = missing[0] === 'VPC_SUBNET' ? 'vpcSubnet' : 'vpcSecurityGroup';
    found.push({
      by: 'Serverless',
      code: 'FUNCTION_KAFKA_VPC_ACCESS_CONFIGURATION_INVALID',
      message: `You must specify at least one "${property}" accessConfiguration for function: ${fn?.key}`,
    });
  }
  return found;
}

function refuseStart(properties: Shape, { kind, where, fn }: Deployed, now: number): Refusal[] {
  const { StartingPosition: position, StartingPositionTimestamp: timestamp } = properties;
  if (position !== 'AT_TIMESTAMP') return [];
  if (timestamp !== undefined) {
    if (timestamp * 1000 <= now) return [];
    const at = new Date(timestamp * 1000);
    const time = Number.isNaN(at.getTime()) ? String(timestamp) : at.toISOString();
    return [
      paraphrased(
        `StartingPositionTimestamp ${timestamp} is in the future (${time}). It counts seconds, not milliseconds.`,
      ),
    ];
  }
  if (!where.startsWith('functions.')) {
    return [
      invalid(
        "When the starting position is 'AT_TIMESTAMP', a starting position timestamp must be provided.",
      ),
    ];
  }
  return [
    {
      by: 'Serverless',
      code: `FUNCTION_${kind === 'msk' ? 'MSK' : 'KAFKA'}_STARTING_POSITION_TIMESTAMP_INVALID`,
      message: `You must specify startingPositionTimestamp for function: ${fn?.key} when startingPosition is AT_TIMESTAMP.`,
    },
  ];
}

function toRefusal(issue: z.core.$ZodIssue, { properties }: Deployed): Refusal {
  const place = issue.path.map(String).join('.');
  const value = issue.path.reduce<unknown>(
    (one, key) => (isObject(one) || Array.isArray(one) ? Reflect.get(one, key) : undefined),
    properties,
  );
  if (isIntrinsic(value)) {
    return cannotRun(
      `${place} is ${JSON.stringify(value)}, which only CloudFormation knows. Write the value. Or set ` +
        `the value of a parameter under ${words().setting('parameters')}, that of an import under ` +
        `${words().setting('imports')}.${accountAdvice(value)}`,
    );
  }
  if (issue.message.startsWith(CONSTRAINT)) {
    return validation(issue.message);
  }
  if (issue.message.startsWith('Required ')) return invalid(issue.message);
  return paraphrased(`${place ? `${place}: ` : ''}${issue.message}.`);
}
