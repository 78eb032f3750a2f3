/** The part of CloudFormation's template that the plugin reads. */
export type Template = {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
};

const SUFFIX = /LambdaFunction$/;

/** The mappings of a Kafka, by their logical ids. */
function mappingsOf({ Resources }: Template) {
  return Object.entries(Resources).filter(
    ([, { Type, Properties = {} }]) =>
      Type === 'AWS::Lambda::EventSourceMapping' && Properties.Topics,
  );
}

/** Lambda counts the events of a Kafka mapping only when asked to, and with provisioned pollers. */
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics
export function countEvents(template: Template): void {
  for (const [, { Properties = {} }] of mappingsOf(template)) {
    if (Properties.ProvisionedPollerConfig) Properties.MetricsConfig = { Metrics: ['EventCount'] };
  }
}

/** Puts the logical id of a function's mapping where `{ Ref: <Function>Mapping }` stands. */
export function nameMappings(template: Template, functionIds: string[]): void {
  for (const functionId of functionIds) {
    const own = mappingsOf(template).filter(([, { Properties }]) =>
      JSON.stringify(Properties?.FunctionName).includes(`"${functionId}"`),
    );
    const [mapping, ...others] = own;
    if (mapping && others.length === 0) {
      replaceRef(template.Resources, functionId.replace(SUFFIX, 'Mapping'), mapping[0]);
    }
  }
}

function replaceRef(value: unknown, from: string, to: string): void {
  if (typeof value !== 'object' || value === null) return;
  if ('Ref' in value && value.Ref === from) value.Ref = to;
  for (const inner of Object.values(value)) replaceRef(inner, from, to);
}
