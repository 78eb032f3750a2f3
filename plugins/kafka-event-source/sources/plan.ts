/**
 * The resources of a Terraform plan (`terraform show -json`), and the functions that they refer to. A plan
 * has references in place of the values that come with `terraform apply`.
 * Its format: https://developer.hashicorp.com/terraform/internals/json-format
 */
import { isObject, type Json, toObject } from '../json.ts';

/** A resource of the plan. */
export interface Planned {
  readonly address: string;
  readonly type: string;
  readonly values: Json;
  /** The attributes as they are written, by their names. */
  readonly expressions: Json;
  readonly module: Module;
}

/** An instance of a module; the root has no address. */
interface Module {
  /** The beginning of its resources' addresses, such as `module.kafka["a"].`. */
  readonly path: string;
  readonly outputs: Json;
  /** The module that calls it, with the values of its variables as they are written. */
  readonly caller?: { readonly module: Module; readonly variables: Json };
}

export interface Plan {
  readonly resources: readonly Planned[];
  readonly modules: readonly Module[];
}

export const FUNCTION = 'aws_lambda_function';
const ALIAS = 'aws_lambda_alias';
const KEY = /\[[^\]]*\]$/;

export function readPlan(plan: Json): Plan {
  const found = { resources: [] as Planned[], modules: [] as Module[] };
  const root = toObject(toObject(plan.configuration).root_module);
  collect(toObject(toObject(plan.planned_values).root_module), root, undefined, found);
  return found;
}

function collect(
  planned: Json,
  configuration: Json,
  caller: Module['caller'],
  found: { readonly resources: Planned[]; readonly modules: Module[] },
): void {
  const { address: place } = planned;
  const path = typeof place === 'string' ? `${place}.` : '';
  const module = { path, outputs: toObject(configuration.outputs), ...(caller && { caller }) };
  found.modules.push(module);
  const configured = listOf(configuration.resources);
  for (const resource of listOf(planned.resources)) {
    const { address = '', type = '', name, values } = resource as Record<string, string>;
    const source = configured.find((one) => one.type === type && one.name === name);
    const expressions = toObject(source?.expressions);
    found.resources.push({ address, type, values: toObject(values), expressions, module });
  }
  const calls = toObject(configuration.module_calls);
  for (const child of listOf(planned.child_modules)) {
    // `module.kafka["a"]` is an instance of the call `kafka`.
    const name = /([^.[\]]+)(\[[^\]]*\])?$/.exec(String(child.address ?? ''))?.[1] ?? '';
    const { module: called, expressions } = toObject(calls[name]);
    const variables = toObject(expressions);
    collect(child, toObject(called), { module, variables }, found);
  }
}

/** The addresses that an attribute refers to, the most exact first: `aws_sqs_queue.dead.arn`, then without `.arn`. */
export function referencesOf({ expressions, module }: Planned, attribute: string): string[] {
  return referencesIn(expressions[attribute]).map((id) => `${module.path}${id}`);
}

export function referencesIn(expression: unknown): string[] {
  // A block is a list of objects with the expressions of its attributes.
  if (Array.isArray(expression)) return expression.flatMap(referencesIn);
  const { references, ...attributes } = toObject(expression);
  return Array.isArray(references)
    ? references.map(String)
    : Object.values(attributes).flatMap(referencesIn);
}

/** A function, and its alias if the reference is to one. */
export interface Target {
  readonly fn: Planned;
  readonly alias?: string;
}

/**
 * The function that a mapping's `function_name` refers to: itself, by an alias, or through outputs and
 * variables of modules. A plan leaves out the key in `aws_lambda_function.app[each.key]`: of several
 * instances it is the one with a key of the mapping, or of its module.
 */
export function targetOf(mapping: Planned, plan: Plan): Target | undefined {
  const found = follow(referencesIn(mapping.expressions.function_name), mapping.module, plan, []);
  const keyed = keysOf(mapping.address)
    .toReversed()
    .map((key) => found.filter(({ fn }) => keysOf(fn.address).includes(key)));
  return [found, ...keyed].map(only).find((one) => one !== undefined);
}

/** The target, if all of them are the same function. */
function only([first, ...others]: readonly Target[]): Target | undefined {
  return others.every(({ fn }) => fn === first?.fn) ? first : undefined;
}

/** The functions of the first reference that leads to any. */
function follow(
  references: readonly string[],
  module: Module,
  plan: Plan,
  visited: readonly string[],
): Target[] {
  for (const reference of references) {
    const id = `${module.path}${reference}`;
    const found = visited.includes(id) ? [] : step(reference, module, plan, [...visited, id]);
    if (found.length > 0) return found;
  }
  return [];
}

function step(reference: string, module: Module, plan: Plan, visited: readonly string[]): Target[] {
  const named = plan.resources.filter(({ address }) => isOf(`${module.path}${reference}`, address));
  if (named.length > 0) return named.flatMap((one) => targetsOf(one, plan, visited));
  const [kind, name = ''] = reference.split('.');
  if (kind === 'var' && module.caller) {
    const { module: caller, variables } = module.caller;
    return follow(referencesIn(variables[name]), caller, plan, visited);
  }
  // A plan has no local values. Of a module's own functions and aliases, only one can be meant.
  if (kind === 'local') return functionsOf(module, plan, visited);
  const [, call, output] = /^(module\.[^.[]+(?:\[[^\]]*\])?)(?:\.([^.[]+))?$/.exec(reference) ?? [];
  if (call === undefined) return [];
  return plan.modules
    .filter(({ path }) => path !== '' && isOf(`${module.path}${call}`, path.slice(0, -1)))
    .flatMap((called) => {
      // A plan leaves out the output in `module.app[each.key].arn`, too.
      if (output === undefined) return functionsOf(called, plan, visited);
      const { expression } = toObject(called.outputs[output]);
      return follow(referencesIn(expression), called, plan, visited);
    });
}

/** The functions and aliases of a module's own. */
function functionsOf(module: Module, plan: Plan, visited: readonly string[]): Target[] {
  const own = plan.resources.filter((one) => one.module === module);
  return own.flatMap((one) => targetsOf(one, plan, visited));
}

/** The function that a resource is, or that it is an alias of. */
function targetsOf(one: Planned, plan: Plan, visited: readonly string[]): Target[] {
  if (one.type === FUNCTION) return [{ fn: one }];
  if (one.type !== ALIAS) return [];
  const { function_name: name, name: alias } = one.values;
  const byName = plan.resources.filter(
    ({ type, values }) => type === FUNCTION && values.function_name === name,
  );
  const found =
    typeof name === 'string'
      ? byName.map((fn): Target => ({ fn }))
      : follow(referencesIn(one.expressions.function_name), one.module, plan, visited);
  return found.map(({ fn }) => ({ fn, ...(typeof alias === 'string' && { alias }) }));
}

/** The keys of instances in an address: `["a"]` or `[0]`. */
function keysOf(address: string): string[] {
  return address.match(/\[[^\]]*\]/g) ?? [];
}

/** Whether a reference is to this address, or to an attribute of it, with the instance's key or without. */
export function isOf(reference: string, address: string): boolean {
  const plain = address.replace(KEY, '');
  return [address, plain].some((one) => reference === one || reference.startsWith(`${one}.`));
}

/** The items of a list that are objects. A block of the provider's is a list, mostly of one item. */
export function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
