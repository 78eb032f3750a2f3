/** Refuses a mapping's schema registry as AWS does. */
import { isIntrinsic } from '../template/intrinsic.ts';
import { invalid, paraphrased, type Refusal } from './refusal.ts';
import { isProvisioned, type RegistryShape, registryOf, type Shape } from './shape.ts';

const FORMATS: readonly unknown[] = ['JSON', 'SOURCE'];
/** AWS takes it, and this emulator does not: `refuseUnknownRegistry`. */
export const OAUTH = 'OAUTHBEARER_AUTH';

const ACCESS_TYPES: readonly string[] = [
  'BASIC_AUTH',
  'CLIENT_CERTIFICATE_TLS_AUTH',
  'SERVER_ROOT_CA_CERTIFICATE',
  // AWS's page has this name, its service model the one above.
  'SERVER_ROOT_CA_CERT',
  OAUTH,
];

/** AWS's messages: https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html */
export function refuseRegistry(properties: Shape, region: string): Refusal[] {
  const registry = registryOf(properties);
  if (!registry) return [];
  const { SchemaRegistryURI: uri, SchemaValidationConfigs: validation = [] } = registry;
  const messages: string[] = [];
  if (!isProvisioned(properties)) {
    messages.push(
      'SchemaRegistryConfig is only available for Provisioned Mode. To configure Schema Registry, ' +
        'please enable Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig.',
    );
  }
  if (!isIntrinsic(uri) && !isAddress(uri)) {
    messages.push(
      'Malformed SchemaRegistryURI provided. Please provide a valid URI or ARN. For example, ' +
        'https://schema-registry.example.com:8081 or ' +
        'arn:aws:glue:us-east-1:123456789012:registry/ExampleRegistry.',
    );
  }
  if (!FORMATS.includes(registry.EventRecordFormat)) {
    messages.push(
      'EventRecordFormat is a required field for SchemaRegistryConfig. Please provide one of ' +
        'supported format types: SOURCE, JSON.',
    );
  }
  if (validation.length === 0) {
    messages.push('SchemaValidationConfigs is a required field for SchemaRegistryConfig.');
  }
  const attributes = validation.map(({ Attribute }) => Attribute);
  for (const attribute of ['KEY', 'VALUE'] as const) {
    if (attributes.indexOf(attribute) !== attributes.lastIndexOf(attribute)) {
      messages.push(
        `Duplicate ${attribute} Attribute in SchemaValidationConfigs. SchemaValidationConfigs must ` +
          `contain at most one ${attribute} Attribute.`,
      );
    }
  }
  const [, , service, glueRegion] = typeof uri === 'string' ? uri.split(':') : [];
  const isGlue = service === 'glue';
  if (isGlue && glueRegion !== region) {
    messages.push('Cross-region Glue Schema Registry ARN not supported.');
  }
  return [...messages.map(invalid), ...refuseAccess(registry, isGlue)];
}

function refuseAccess({ AccessConfigs: access = [] }: RegistryShape, isGlue: boolean): Refusal[] {
  if (isGlue && access.length > 0) {
    return [paraphrased('A Glue schema registry takes no AccessConfigs.')];
  }
  const unknown = access.filter(({ Type }) => !ACCESS_TYPES.includes(Type));
  return unknown.map(({ Type }) => paraphrased(`A schema registry has no access of type ${Type}.`));
}

function isAddress(uri: unknown): boolean {
  if (typeof uri !== 'string' || uri.length < 1 || uri.length > 10_000) return false;
  return uri.startsWith('arn:aws') || (URL.canParse(uri) && /^https?:/.test(uri));
}
