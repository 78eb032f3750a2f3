import type { Resource } from '../package.ts';

/** One action on one resource (both may have `*`) that a role allows or denies. */
export type Permission = { effect: string; action: string; resource: string };

/** The action and the resource of a request. */
export type Call = { action: string; resource: string };

type Resources = Record<string, Resource>;
type Statement = { Effect: string; Action: string[]; Resource: unknown };

export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';
const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
};

/** The permissions of a packaged function's role, one per action, with the template's names. */
export function permissionsOf(resources: Resources, functionId: string): Permission[] {
  const [roleId] = resources[functionId]?.Properties.Role['Fn::GetAtt'] ?? [];
  const statements: Statement[] = resources[roleId]?.Properties.Policies.flatMap(
    (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
  );
  return statements.flatMap(({ Effect: effect, Action, Resource: named }) =>
    Action.flatMap((action) =>
      [named].flat().map((one) => ({ effect, action, resource: resolved(one, resources) })),
    ),
  );
}

/** The permission that allows a call, unless another one denies it. */
export function allowing(permissions: Permission[], call: Call): Permission | undefined {
  const about = permissions.filter(
    ({ action, resource }) => matches(action, call.action) && matches(resource, call.resource),
  );
  if (about.some(({ effect }) => effect === 'Deny')) return undefined;
  return about.find(({ effect }) => effect === 'Allow');
}

/** As IAM reads it: `*` is any text, `?` any character. */
function matches(pattern: string, text: string): boolean {
  const source = RegExp.escape(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

function resolved(value: unknown, resources: Resources): string {
  if (typeof value === 'string') return value;
  const { 'Fn::GetAtt': attribute, 'Fn::Sub': text } = Object(value);
  if (attribute) return nameOf(attribute.join('.'), resources);
  if (typeof text === 'string') {
    return text.replaceAll(/\$\{([^}]+)\}/g, (_, name) => nameOf(name, resources));
  }
  throw new Error(`A role names ${JSON.stringify(value)}, which this test cannot resolve.`);
}

function nameOf(reference: string, resources: Resources): string {
  const pseudo = PSEUDO[reference];
  if (pseudo) return pseudo;
  const [id = '', attribute] = reference.split('.');
  const { Type, Properties } = resources[id] ?? {};
  if (Type === 'AWS::DynamoDB::Table' && attribute === 'Arn') return tableArn(Properties.TableName);
  throw new Error(`A role names ${reference}, which this test cannot resolve.`);
}

export const tableArn = (table: string) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${table}`;
