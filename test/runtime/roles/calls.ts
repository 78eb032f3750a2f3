import { ACCOUNT, type Call, REGION, tableArn } from './policy.ts';

/** The parts of a request to an AWS service that name the action and the resource. */
export type AwsRequest = { target: string; path: string; body: string };

// biome-ignore lint/suspicious/noExplicitAny: a request of AWS's
type Input = any;

/** The default of the identity: SES asks for the right to it, too, though no request names it. */
const CONFIGURATION_SET = `arn:aws:ses:${REGION}:${ACCOUNT}:configuration-set/my-first-configuration-set`;

/**
 * The permissions that a request needs. A transaction needs the permission of each of its actions.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 *
 * @throws Error for a request that is not known here
 */
export function callsOf({ target, path, body }: AwsRequest): Call[] {
  const [service = '', operation = ''] = target.split('.');
  if (service.startsWith('DynamoDB_')) return dynamoCalls(operation, JSON.parse(body));
  if (target === 'secretsmanager.GetSecretValue') {
    return [{ action: 'secretsmanager:GetSecretValue', resource: JSON.parse(body).SecretId }];
  }
  if (path === '/v2/email/outbound-emails') {
    return [identityOf(JSON.parse(body).FromEmailAddress), CONFIGURATION_SET].map((resource) => ({
      action: 'ses:SendEmail',
      resource,
    }));
  }
  const form = new URLSearchParams(body);
  if (form.get('Action') === 'Publish') return [publishCall(form)];
  throw new Error(
    `Which permission does this request need? ${target} ${path} ${form.get('Action')}`,
  );
}

function dynamoCalls(operation: string, input: Input): Call[] {
  switch (operation) {
    case 'GetItem':
    case 'PutItem':
    case 'UpdateItem':
    case 'DeleteItem':
      return [onTable(operation, input)];
    case 'Query':
    case 'Scan':
      return [onTable(operation, input)];
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.keys(input.RequestItems).map((TableName) => onTable(operation, { TableName }));
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return input.TransactItems.flatMap((item: Record<string, Input>) =>
        Object.entries(item).map(([kind, one]) =>
          onTable(kind === 'ConditionCheck' ? 'ConditionCheckItem' : `${kind}Item`, one),
        ),
      );
    default:
      throw new Error(`Which permissions does DynamoDB's ${operation} need?`);
  }
}

function onTable(operation: string, { TableName, IndexName }: Input): Call {
  const index = IndexName ? `/index/${IndexName}` : '';
  return { action: `dynamodb:${operation}`, resource: `${tableArn(TableName)}${index}` };
}

/** The identity for a sender: the account has verified the sender's domain. */
function identityOf(from: string): string {
  const domain = /@([^@>]+)>?$/.exec(from)?.[1];
  return `arn:aws:ses:${REGION}:${ACCOUNT}:identity/${domain}`;
}

/** A phone number has no ARN, so a policy is compared with the number itself. */
// https://docs.aws.amazon.com/sns/latest/dg/sns-using-identity-based-policies.html
export function publishCall(form: URLSearchParams): Call {
  const resource = form.get('TopicArn') ?? form.get('TargetArn') ?? form.get('PhoneNumber') ?? '';
  return { action: 'sns:Publish', resource };
}
