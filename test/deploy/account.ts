import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';

/** What is in the account, by AWS's own SDK. */
export async function readAccount(endpoint: string) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const settings = { endpoint, region: 'us-east-1', credentials, forcePathStyle: true };
  const lambda = new LambdaClient(settings);
  const s3 = new S3Client(settings);
  const sns = new SNSClient(settings);
  const dynamo = new DynamoDBClient(settings);
  try {
    const [functions, mappings, buckets, topics, table] = await Promise.all([
      lambda.send(new ListFunctionsCommand()),
      lambda.send(new ListEventSourceMappingsCommand()),
      s3.send(new ListBucketsCommand()),
      sns.send(new ListTopicsCommand()),
      dynamo.send(new DescribeTableCommand({ TableName: 'orders' })),
    ]);
    return {
      functions: functions.Functions ?? [],
      mappings: mappings.EventSourceMappings ?? [],
      buckets: buckets.Buckets ?? [],
      topics: topics.Topics ?? [],
      table: table.Table,
    };
  } finally {
    for (const client of [lambda, s3, sns, dynamo]) client.destroy();
  }
}
