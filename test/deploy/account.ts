import { DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';

const namesOf = async (tables: Promise<{ TableNames?: string[] }>) =>
  (await tables).TableNames ?? [];

/** The contents of the account, read by AWS's own SDK. */
export async function readAccount(endpoint: string) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const settings = { endpoint, region: 'us-east-1', credentials, forcePathStyle: true };
  const lambda = new LambdaClient(settings);
  const s3 = new S3Client(settings);
  const sns = new SNSClient(settings);
  const dynamo = new DynamoDBClient(settings);
  try {
    const [functions, mappings, buckets, topics, tables] = await Promise.all([
      lambda.send(new ListFunctionsCommand()),
      lambda.send(new ListEventSourceMappingsCommand()),
      s3.send(new ListBucketsCommand()),
      sns.send(new ListTopicsCommand()),
      namesOf(dynamo.send(new ListTablesCommand())),
    ]);
    const described = await Promise.all(
      tables.map((TableName) => dynamo.send(new DescribeTableCommand({ TableName }))),
    );
    return {
      functions: functions.Functions ?? [],
      mappings: mappings.EventSourceMappings ?? [],
      buckets: buckets.Buckets ?? [],
      topics: topics.Topics ?? [],
      tables: described.flatMap(({ Table }) => Table ?? []),
    };
  } finally {
    for (const client of [lambda, s3, sns, dynamo]) client.destroy();
  }
}

export type Account = Awaited<ReturnType<typeof readAccount>>;

/** The resources of an account that belong to one stage. CloudFormation makes the names of buckets and topics of the stack's. */
export function partOf(account: Account, stage: string): Account {
  const stack = `orders-${stage}`;
  const table = stage === 'prod' ? 'orders' : stack;
  return {
    functions: account.functions.filter((one) => one.FunctionName?.startsWith(`${stack}-`)),
    mappings: account.mappings.filter((one) => one.FunctionArn?.includes(`:${stack}-`)),
    buckets: account.buckets.filter((one) => one.Name?.startsWith(`${stack}-`)),
    topics: account.topics.filter((one) => one.TopicArn?.includes(`:${stack}-`)),
    tables: account.tables.filter((one) => one.TableName === table),
  };
}
