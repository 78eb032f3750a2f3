/** SQS, SNS and S3 as destinations: one record for each failed batch. */
import { randomUUID } from 'node:crypto';
import { endpointOptions } from '../access/endpoint.ts';
import type { Endpoints } from '../mapping.ts';
import type { Destination } from './destination.ts';
import { batchRecord, batchRecordWithPayload, type Failure } from './failure.ts';

export interface AwsDestinationOptions {
  readonly arn: string;
  /** The mapping's UUID, for the keys of objects. */
  readonly uuid: string;
  readonly endpoints: Endpoints;
}

type Kind = 'sqs' | 'sns' | 's3';

const SEND_MS = 15_000;

export async function createAwsDestination(
  kind: Kind,
  options: AwsDestinationOptions,
): Promise<Omit<Destination, 'name'>> {
  try {
    return await creators[kind](options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `the destination ${options.arn} needs the package @aws-sdk/client-${kind}: run ` +
        `npm install --save-dev @aws-sdk/client-${kind}`,
    );
  }
}

const creators = { sqs: createSqs, sns: createSns, s3: createS3 } as const;

async function createSqs({ arn, endpoints }: AwsDestinationOptions) {
  const { GetQueueUrlCommand, SendMessageCommand, SQSClient } = await import('@aws-sdk/client-sqs');
  const { region, account, resource } = parse(arn);
  const client = new SQSClient({ ...settings(endpoints, 'sqs', region) });
  let url: string | undefined;
  return {
    send: async (failure: Failure) => {
      const QueueName = resource;
      url ??= (
        await client.send(
          new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId: account }),
          limited(),
        )
      ).QueueUrl;
      const MessageBody = batchRecord(failure);
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody }), limited());
    },
    close: async () => client.destroy(),
  };
}

async function createSns({ arn, endpoints }: AwsDestinationOptions) {
  const { PublishCommand, SNSClient } = await import('@aws-sdk/client-sns');
  const client = new SNSClient({ ...settings(endpoints, 'sns', parse(arn).region) });
  return {
    send: async (failure: Failure) => {
      const Message = batchRecord(failure);
      await client.send(new PublishCommand({ TopicArn: arn, Message }), limited());
    },
    close: async () => client.destroy(),
  };
}

async function createS3({ arn, endpoints, uuid }: AwsDestinationOptions) {
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  // At a local endpoint a bucket has a path, not a host of its own.
  const forcePathStyle = endpoints.s3 !== undefined;
  const client = new S3Client({ ...settings(endpoints, 's3', ''), forcePathStyle });
  return {
    send: async (failure: Failure) => {
      const put = new PutObjectCommand({
        Bucket: parse(arn).resource,
        Key: objectKey(uuid, failure),
        Body: batchRecordWithPayload(failure),
        ContentType: 'application/json',
      });
      await client.send(put, limited());
    },
    close: async () => client.destroy(),
  };
}

/**
 * AWS does not document the key for Kafka. This is the key for Kinesis, with the partition as shard.
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
function objectKey(uuid: string, { at, partitions }: Failure): string {
  const [date = '', time = ''] = at.toISOString().slice(0, 19).split('T');
  const day = date.replaceAll('-', '/');
  const shard = partitions[0]?.key ?? '';
  return `aws/lambda/${uuid}/${shard}/${day}/${date}T${time.replaceAll(':', '.')}-${randomUUID()}`;
}

function settings(endpoints: Endpoints, kind: Kind, region: string) {
  return {
    region: region || endpoints.region,
    maxAttempts: 2,
    ...endpointOptions(endpoints[kind]),
  };
}

function limited() {
  return { abortSignal: AbortSignal.timeout(SEND_MS) };
}

function parse(arn: string): { region: string; account: string | undefined; resource: string } {
  const [, , , region = '', account, ...resource] = arn.split(':');
  return { region, account: account || undefined, resource: resource.join(':') };
}
