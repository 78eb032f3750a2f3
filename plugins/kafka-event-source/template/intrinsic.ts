/** Evaluates CloudFormation's functions as far as this is possible without CloudFormation. */
import { isObject, type Json, own, toScalarText } from '../json.ts';
import { booleanOf } from './boolean.ts';

/** The values of names in a template. */
export interface Scope {
  readonly region: string;
  readonly stackName: string;
  /** Function names by logical id, those of their aliases included. */
  readonly functions: ReadonlyMap<string, string>;
  /** UUIDs of event source mappings by logical id, if they are known. */
  readonly uuids?: ReadonlyMap<string, string>;
  readonly resources: Json;
  readonly parameters: Json;
  readonly mappings: Json;
  readonly conditions: Json;
  readonly given: Given;
}

/** Values that only AWS knows, given for this machine. */
export interface Given {
  /** Values of the template's parameters, in place of their defaults, and of `AWS::AccountId` and its kin. */
  readonly parameters: Json;
  /** Values that other stacks export, by their names. */
  readonly imports: Json;
}

/** The account of this machine; serverless-offline and LocalStack use it, too. */
export const ACCOUNT = '000000000000';

/** The result of `{ Ref: AWS::NoValue }`: the property, or the item of a list, is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

/** A value of AWS's parameter store or of Secrets Manager. */
const DYNAMIC = /\{\{resolve:[^{}]*\}\}/g;

/** Replaces each function with its result, if the result is known here. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return withoutDynamic(value, scope);
  if (Array.isArray(value)) {
    return value.map((one) => resolve(one, scope)).filter((one) => one !== NO_VALUE);
  }
  if (!isObject(value)) return value;
  const choice = choose(value, scope);
  if (choice) return resolve(choice.value, scope);
  const entries = Object.entries(value).map(([key, one]) => {
    // The variables in the text are replaced first: they may be parts of a dynamic reference.
    const isText = key === 'Fn::Sub' && typeof one === 'string';
    return [key, isText ? one : resolve(one, scope)] as const;
  });
  const inner = Object.fromEntries(entries.filter(([, one]) => one !== NO_VALUE));
  if (!isIntrinsic(inner)) return inner;
  const result = evaluate(inner, scope) ?? inner;
  return typeof result === 'string' ? withoutDynamic(result, scope) : result;
}

/**
 * The text with its dynamic references replaced by the values that are given for them. With another one
 * only CloudFormation knows the text.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
function withoutDynamic(text: string, { given }: Scope): unknown {
  const result = text.replace(DYNAMIC, (reference) => {
    const value = own(given.parameters, reference);
    return typeof value === 'string' ? value : reference;
  });
  return result.search(DYNAMIC) < 0 ? result : { 'Fn::Sub': result };
}

/** Whether the condition of this name holds; undefined if only AWS knows it. */
export function holds(name: unknown, scope: Scope): boolean | undefined {
  if (typeof name !== 'string' || !Object.hasOwn(scope.conditions, name)) return undefined;
  const { [name]: condition, ...conditions } = scope.conditions;
  // A condition cannot refer to itself.
  return isTrue(condition, { ...scope, conditions });
}

function isTrue(condition: unknown, scope: Scope): boolean | undefined {
  const [[name, argument] = []] = isObject(condition) ? Object.entries(condition) : [];
  const parts = () => (Array.isArray(argument) ? argument : []).map((one) => isTrue(one, scope));
  switch (name) {
    case 'Condition':
      return holds(argument, scope);
    case 'Fn::Equals':
      return isEqual(argument, scope);
    case 'Fn::Not':
      return negate(parts()[0]);
    case 'Fn::And':
      return negate(any(parts().map(negate)));
    case 'Fn::Or':
      return any(parts());
    default:
      return undefined;
  }
}

function isEqual(argument: unknown, scope: Scope): boolean | undefined {
  if (!Array.isArray(argument)) return undefined;
  const [one, other] = argument.map((value) => resolve(value, scope));
  if (isIntrinsic(one) || isIntrinsic(other)) return undefined;
  // A parameter that is given as `no` is a text, and the `no` of the template is a boolean.
  if (typeof one === 'boolean' && booleanOf(other) === one) return true;
  if (typeof other === 'boolean' && booleanOf(one) === other) return true;
  return JSON.stringify(toTexts(one)) === JSON.stringify(toTexts(other));
}

/** CloudFormation compares texts: the number 5 equals the text "5". */
function toTexts(value: unknown): unknown {
  return Array.isArray(value) ? value.map(toTexts) : isObject(value) ? value : String(value);
}

function negate(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

function any(values: readonly (boolean | undefined)[]): boolean | undefined {
  if (values.includes(true)) return true;
  return values.includes(undefined) ? undefined : false;
}

/** The branch of `Fn::If` that its condition selects; the other branch is not evaluated. */
function choose(value: Json, scope: Scope): { readonly value: unknown } | undefined {
  const branches = isIntrinsic(value) ? value['Fn::If'] : undefined;
  if (!Array.isArray(branches)) return undefined;
  const [name, yes, no] = branches;
  const condition = holds(name, scope);
  return condition === undefined ? undefined : { value: condition ? yes : no };
}

/** Whether the value is a function that only CloudFormation can evaluate. */
export function isIntrinsic(value: unknown): value is Json {
  if (!isObject(value)) return false;
  const [key = '', ...others] = Object.keys(value);
  return others.length === 0 && (key === 'Ref' || key.startsWith('Fn::'));
}

/** The local ARN of a function of this service. */
export function functionArn(name: string, { region }: Pick<Scope, 'region'>): string {
  return `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
}

/** The map that an unknown value looks up by the account of this machine, for which the map has no key. */
export function accountLookup(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const lookup = own(value, 'Fn::FindInMap');
  const [map, ...keys] = Array.isArray(lookup) ? lookup : [];
  if (typeof map === 'string' && keys.includes(ACCOUNT)) return map;
  for (const inner of Object.values(value)) {
    const found = accountLookup(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function evaluate(value: Json, scope: Scope): unknown {
  const [[name = '', argument] = []] = Object.entries(value);
  switch (name) {
    case 'Ref':
      return typeof argument === 'string' ? refer(argument, scope) : undefined;
    case 'Fn::GetAtt':
      return attribute(argument, scope);
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::Join':
      return join(argument);
    case 'Fn::Split':
      return split(argument);
    case 'Fn::Select':
      return select(argument);
    case 'Fn::FindInMap':
      return findInMap(argument, scope);
    case 'Fn::Length':
      return Array.isArray(argument) ? argument.length : undefined;
    case 'Fn::ToJsonString':
      return isKnown(argument) ? JSON.stringify(argument) : undefined;
    case 'Fn::ImportValue':
      return typeof argument === 'string' ? own(scope.given.imports, argument) : undefined;
    default:
      return undefined;
  }
}

function refer(id: string, scope: Scope): unknown {
  const pseudo: Json = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Partition': 'aws',
    'AWS::Region': scope.region,
    'AWS::StackName': scope.stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  if (id === 'AWS::NoValue') return NO_VALUE;
  if (Object.hasOwn(pseudo, id)) return toScalarText(own(scope.given.parameters, id)) ?? pseudo[id];
  const functionName = scope.functions.get(id) ?? scope.uuids?.get(id);
  if (functionName !== undefined) return functionName;
  const parameter = own(scope.parameters, id);
  if (isObject(parameter)) return parameterOf(parameter, own(scope.given.parameters, id));
  const resource = scope.resources[id];
  if (!isObject(resource)) return undefined;
  const name = (property: string) => nameOf(id, resource, property, scope);
  switch (resource.Type) {
    case 'AWS::S3::Bucket':
      return name('BucketName');
    case 'AWS::SNS::Topic':
      return arn('sns', name('TopicName'), scope);
    case 'AWS::SecretsManager::Secret':
      return arn('secretsmanager', `secret:${name('Name')}`, scope);
    case 'AWS::Lambda::Alias':
    case 'AWS::Lambda::Version':
      return aliased(resource, scope);
    default:
      return undefined;
  }
}

/**
 * The value of a parameter: the given one, else its default. The default of a parameter that AWS
 * reads from its parameter store is a name in that store, and not the value.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
 */
function parameterOf({ Type: type = 'String', Default: otherwise }: Json, given: unknown): unknown {
  const kind = String(type);
  const value = given ?? (kind.startsWith('AWS::SSM::Parameter::') ? undefined : otherwise);
  const isList = /List</.test(kind) || /CommaDelimitedList/.test(kind);
  return isList && typeof value === 'string' ? value.split(',').map((one) => one.trim()) : value;
}

function attribute(argument: unknown, scope: Scope): unknown {
  const path = typeof argument === 'string' ? argument.split('.') : argument;
  if (!Array.isArray(path)) return undefined;
  const [id, key] = path;
  if (typeof id !== 'string') return undefined;
  const functionName = scope.functions.get(id);
  if (functionName !== undefined && key === 'Arn') return functionArn(functionName, scope);
  const resource = scope.resources[id];
  if (!isObject(resource)) return undefined;
  const name = (property: string) => nameOf(id, resource, property, scope);
  switch (`${String(resource.Type)} ${String(key)}`) {
    case 'AWS::SQS::Queue Arn':
      return arn('sqs', name('QueueName'), scope);
    case 'AWS::S3::Bucket Arn':
      return `arn:aws:s3:::${name('BucketName')}`;
    case 'AWS::SNS::Topic TopicArn':
      return arn('sns', name('TopicName'), scope);
    default:
      return undefined;
  }
}

function aliased({ Properties: properties }: Json, scope: Scope): unknown {
  if (!isObject(properties)) return undefined;
  const name = resolve(properties.FunctionName, scope);
  const alias = resolve(properties.Name, scope);
  if (typeof name !== 'string') return undefined;
  const arn = name.startsWith('arn:') ? name : functionArn(name, scope);
  return typeof alias === 'string' ? `${arn}:${alias}` : arn;
}

function nameOf(id: string, { Properties: properties }: Json, property: string, scope: Scope) {
  const given = isObject(properties) ? resolve(properties[property], scope) : undefined;
  return typeof given === 'string' ? given : `${scope.stackName}-${id}`;
}

function arn(service: string, name: string, { region }: Scope): string {
  return `arn:aws:${service}:${region}:${ACCOUNT}:${name}`;
}

function substitute(argument: unknown, scope: Scope): unknown {
  const [text, names] = Array.isArray(argument) ? argument : [argument, {}];
  if (typeof text !== 'string') return undefined;
  let areKnown = true;
  const result = text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    const value = toScalarText(
      own(names, name) ?? (name.includes('.') ? attribute(name, scope) : refer(name, scope)),
    );
    if (value === undefined) areKnown = false;
    return value ?? '';
  });
  return areKnown ? result : undefined;
}

/** Whether the value has no function that only CloudFormation can evaluate. */
function isKnown(value: unknown): boolean {
  if (isIntrinsic(value)) return false;
  return typeof value !== 'object' || value === null || Object.values(value).every(isKnown);
}

function join(argument: unknown): unknown {
  const [separator, list] = Array.isArray(argument) ? argument : [];
  const texts = Array.isArray(list) ? list.map(toScalarText) : [undefined];
  return typeof separator === 'string' && !texts.includes(undefined)
    ? texts.join(separator)
    : undefined;
}

/** The text before the first value that only CloudFormation knows, of a text that was joined or substituted. */
export function beginningOf(value: Json, scope: Scope): string | undefined {
  const { 'Fn::Join': joined, 'Fn::Sub': substituted } = value;
  if (Array.isArray(joined)) {
    const [separator, list] = joined;
    if (!Array.isArray(list)) return undefined;
    const texts = list.map(toScalarText);
    return texts
      .slice(0, texts.indexOf(undefined))
      .map((text) => `${text}${separator}`)
      .join('');
  }
  const [text, names] = [substituted].flat();
  if (typeof text !== 'string') return undefined;
  return Array.from(text.matchAll(/\$\{/g), ({ index }) =>
    substitute([text.slice(0, index), names], scope),
  ).findLast((one): one is string => typeof one === 'string');
}

function split(argument: unknown): unknown {
  const [separator, value] = Array.isArray(argument) ? argument : [];
  return typeof separator === 'string' ? toScalarText(value)?.split(separator) : undefined;
}

function select(argument: unknown): unknown {
  const [index, list] = Array.isArray(argument) ? argument : [];
  return Array.isArray(list) ? list[Number(index)] : undefined;
}

function findInMap(argument: unknown, { mappings }: Scope): unknown {
  const [map, first, second, options] = Array.isArray(argument) ? argument : [];
  const names = [map, first, second].map(toScalarText);
  if (names.includes(undefined)) return undefined;
  const found = names.reduce<unknown>((inner, name) => lookUp(inner, name), mappings);
  return found ?? own(options, 'DefaultValue');
}

/** The value of a key. A key `no` is kept as it is written, and a value `no` looks it up as `false`. */
function lookUp(map: unknown, name: string | undefined): unknown {
  const found = own(map, name);
  if (found !== undefined || !isObject(map)) return found;
  const written = Object.keys(map).find((key) => booleanOf(key)?.toString() === name);
  return written === undefined ? undefined : map[written];
}
