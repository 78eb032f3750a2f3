import type { Resource } from '../runtime/package.ts';

type Template = {
  resources: Record<string, Resource>;
  outputs: Record<string, { Export?: { Name: string } }>;
};

/** The properties by which AWS or Kafka identifies a resource. */
const NAME = /^(Name|\w+Name|RouteKey|ConsumerGroupId|Topics|Namespace|Destination)$/;
/** Names of parts, which other resources may have too. */
const OF_A_PART = new Set(['AttributeName', 'IndexName', 'MetricName', 'PolicyName']);
/** These namespaces of metrics are everybody's. */
const CLOUDWATCHS_OWN = 'AWS/';
const LISTS = new Set(['Dimensions', 'Metrics', 'Variables']);
/** The framework names a version by a hash of the code. */
const VERSION = /(LambdaVersion)\w{30,}$/;

/** The logical ids of a packaged template, with the type and the names of each resource; exports too. */
export function namesIn({ resources, outputs }: Template): Record<string, unknown> {
  const found = Object.entries(resources).map(([id, { Type, Properties }]) => [
    id.replace(VERSION, '$1'),
    { Type, ...namesOf(Properties) },
  ]);
  const exported = Object.entries(outputs).map(([id, { Export }]) => [
    `output ${id}`,
    Export?.Name ?? '',
  ]);
  return Object.fromEntries([...found, ...exported]);
}

function namesOf(properties: unknown): Record<string, unknown> {
  if (typeof properties !== 'object' || properties === null) return {};
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, value]): [string, unknown][] => {
      if (LISTS.has(key)) return [];
      const isName = typeof value === 'string' || Array.isArray(value);
      if (typeof value === 'string' && value.startsWith(CLOUDWATCHS_OWN)) return [];
      if (NAME.test(key) && !OF_A_PART.has(key) && isName) return [[key, value]];
      return Object.entries(namesOf(value));
    }),
  );
}
