/**
 * Names a function's one Kafka mapping `<Function>Mapping` in the template, for alarms. The framework
 * names it by its function, cluster and topic, which may be values of the environment.
 */
import { isObject, type Json, toObject } from '../json.ts';
import { MAPPING_TYPE } from './deployed.ts';

const SUFFIX = /LambdaFunction$/;

/** The logical ids of mappings by their names. Of a function with several mappings none has a name. */
export function namesOf(
  owners: readonly { readonly functionId: string; readonly logicalId: string }[],
): ReadonlyMap<string, string> {
  const byName = Map.groupBy(owners, ({ functionId }) => functionId.replace(SUFFIX, 'Mapping'));
  return new Map(
    [...byName].flatMap(([name, [one, ...others]]): [string, string][] =>
      one && others.length === 0 ? [[name, one.logicalId]] : [],
    ),
  );
}

/** Puts the logical id of a mapping in each place of the template that refers to its name. */
export function replaceNames(template: unknown, functionIds: readonly string[]): void {
  if (!isObject(template) || !isObject(template.Resources)) return;
  const resources = template.Resources;
  for (const [name, logicalId] of namesOf(ownersIn(resources, functionIds))) {
    if (!Object.hasOwn(resources, name)) replaceRef(template, name, logicalId);
  }
}

function ownersIn(resources: Json, functionIds: readonly string[]) {
  return Object.entries(resources).flatMap(([logicalId, resource]) => {
    const { Type: type, Properties: properties } = toObject(resource);
    if (type !== MAPPING_TYPE) return [];
    const { Topics, FunctionName } = toObject(properties);
    const text = JSON.stringify(FunctionName) ?? '';
    const functionId = functionIds.find((id) => text.includes(`"${id}"`));
    return Topics && functionId ? [{ functionId, logicalId }] : [];
  });
}

function replaceRef(value: unknown, from: string, to: string): void {
  if (typeof value !== 'object' || value === null) return;
  if ('Ref' in value && value.Ref === from) value.Ref = to;
  for (const inner of Object.values(value)) replaceRef(inner, from, to);
}
