/** Evaluates CloudFormation's functions as far as this is possible without CloudFormation. */
import { isObject, type Json } from './merge.ts';

/** The values of names in a template. */
export interface Scope {
  readonly region: string;
  readonly stackName: string;
  /** Function names by logical id, those of their aliases included. */
  readonly functions: ReadonlyMap<string, string>;
  /** UUIDs of mappings by logical id, if they are known. */
  readonly mappings?: ReadonlyMap<string, string>;
  readonly resources: Json;
  readonly parameters: Json;
}

/** The account of this machine; serverless-offline and LocalStack use it, too. */
export const ACCOUNT = '000000000000';

/** Replaces each function with its result, if the result is known here. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((one) => resolve(one, scope));
  if (!isObject(value)) return value;
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, resolve(one, scope)]),
  );
  return isIntrinsic(inner) ? (evaluate(inner, scope) ?? inner) : inner;
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
  if (Object.hasOwn(pseudo, id)) return pseudo[id];
  const functionName = scope.functions.get(id) ?? scope.mappings?.get(id);
  if (functionName !== undefined) return functionName;
  const parameter = scope.parameters[id];
  if (isObject(parameter)) return parameter.Default;
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
  let isKnown = true;
  const result = text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    const own = isObject(names) ? names[name] : undefined;
    const value = own ?? (name.includes('.') ? attribute(name, scope) : refer(name, scope));
    if (typeof value !== 'string' && typeof value !== 'number') isKnown = false;
    return String(value);
  });
  return isKnown ? result : undefined;
}

function join(argument: unknown): unknown {
  const [separator, texts] = Array.isArray(argument) ? argument : [];
  const isKnown = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
  return isKnown && typeof separator === 'string' ? texts.join(separator) : undefined;
}

function split(argument: unknown): unknown {
  const [separator, text] = Array.isArray(argument) ? argument : [];
  const isKnown = typeof separator === 'string' && typeof text === 'string';
  return isKnown ? text.split(separator) : undefined;
}

function select(argument: unknown): unknown {
  const [index, list] = Array.isArray(argument) ? argument : [];
  return Array.isArray(list) ? list[Number(index)] : undefined;
}
