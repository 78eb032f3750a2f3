type Json = Record<string, unknown>;
type Statement = { Resource?: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Splits texts with commas in the lists of a function or of the provider, and removes empty ones, in place. */
export function tidyFunction(definition: Json): void {
  if (Array.isArray(definition.layers)) definition.layers = tidy(definition.layers);
  if (isObject(definition.vpc)) definition.vpc = tidyLists(definition.vpc);
  for (const event of Array.isArray(definition.events) ? definition.events : []) {
    const access = isObject(event) && isObject(event.kafka) && event.kafka.accessConfigurations;
    if (!isObject(access)) continue;
    event.kafka.accessConfigurations = withoutEmpty(tidyLists(access));
  }
  if (Array.isArray(definition.iamRoleStatements)) {
    definition.iamRoleStatements = definition.iamRoleStatements
      .flat(Number.POSITIVE_INFINITY)
      .map((statement: Statement) => ({ ...statement, Resource: tidy(statement.Resource) }))
      .filter(({ Resource }) => !Array.isArray(Resource) || Resource.length > 0);
  }
}

/** `['a,b', '']` is `['a', 'b']`. */
function tidy(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.flatMap((one) =>
    typeof one === 'string' ? one.split(',').filter((part) => part !== '') : [one],
  );
}

const tidyLists = (lists: Json): Json =>
  Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, tidy(list)]));

const withoutEmpty = (lists: Json): Json =>
  Object.fromEntries(
    Object.entries(lists).filter(([, list]) => !Array.isArray(list) || list.length > 0),
  );
