import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import type { KafkaEvent } from '../../event.ts';
import type { Mapping } from '../../mapping.ts';
import { Bench, failure, success, until, values } from './bench.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

interface Service extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: Received[];
  /** The number of next calls that fail. */
  failures: number;
}

/** An HTTP server in the place of SQS, SNS and S3, which answers as they do. */
async function startService(): Promise<Service> {
  const requests: Received[] = [];
  const server = http.createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body: await text(request) };
    requests.push(received);
    if (service.failures > 0) {
      service.failures -= 1;
      response.statusCode = 500;
      response.end('{"__type":"InternalFailure"}');
      return;
    }
    response.end(answerTo(received, service.endpoint));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const service: Service = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    failures: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return service;
}

function answerTo({ headers, body }: Received, endpoint: string): string {
  const target = headers['x-amz-target'];
  if (target === 'AmazonSQS.GetQueueUrl') {
    return JSON.stringify({ QueueUrl: `${endpoint}/123456789012/failed` });
  }
  if (target === 'AmazonSQS.SendMessage') {
    const { MessageBody } = JSON.parse(body) as { MessageBody: string };
    const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex');
    return JSON.stringify({ MessageId: 'm-1', MD5OfMessageBody });
  }
  if (body.startsWith('Action=') || body.includes('Action=Publish')) {
    return '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>';
  }
  return '';
}

const scope = ({ headers }: Received) =>
  /Credential=\S+\/\d{8}\/([a-z0-9-]+\/[a-z0-9]+)\/aws4_request/.exec(
    headers.authorization ?? '',
  )?.[1];

/** A batch of two records that fails twice, with one retry. */
async function exhaust(bench: Bench, destination: Mapping['destination'], service: Service) {
  const { endpoint } = service;
  const lambda = await bench.lambda(() => failure);
  await bench.createTopic();
  await bench.produceCount(2);
  bench.poll(lambda, {
    ...(destination && { destination }),
    batchSize: 2,
    windowMs: 2_000,
    maximumRetryAttempts: 1,
    endpoints: { region: 'eu-west-1', sqs: endpoint, sns: endpoint, s3: endpoint },
  });
  await until('the commit', async () => (await bench.committed()) === 2, {
    seen: () => bench.log.slice(-5),
  });
  expect(lambda.invocations).toHaveLength(2);
  return lambda;
}

const described = (bench: Bench) => ({
  requestContext: {
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:service-dev-test',
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 2,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  KafkaBatchInfo: {
    batchSize: 2,
    bootstrapServers: process.env.KAFKA_BROKERS,
    payloadSize: expect.any(Number),
    recordsInfo: {
      [`${bench.topic}-0`]: {
        firstRecordOffset: '0',
        lastRecordOffset: '1',
        firstRecordTimestamp: expect.any(String),
        lastRecordTimestamp: expect.any(String),
      },
    },
  },
});

test('SQS gets one message for a failed batch, and the batch is committed after it', async () => {
  await using service = await startService();
  await using bench = new Bench();
  const arn = 'arn:aws:sqs:us-east-1:123456789012:failed';
  await exhaust(bench, { kind: 'sqs', arn }, service);
  const [lookup, send] = service.requests;
  expect(JSON.parse(lookup?.body ?? '')).toEqual({
    QueueName: 'failed',
    QueueOwnerAWSAccountId: '123456789012',
  });
  expect(send && scope(send)).toBe('us-east-1/sqs');
  const { QueueUrl, MessageBody } = JSON.parse(send?.body ?? '') as Record<string, string>;
  expect(QueueUrl).toBe(`${service.endpoint}/123456789012/failed`);
  expect(JSON.parse(MessageBody ?? '')).toEqual(described(bench));
  expect(service.requests).toHaveLength(2);
});

test('SNS gets one message for a failed batch, without its records', async () => {
  await using service = await startService();
  await using bench = new Bench();
  const arn = 'arn:aws:sns:us-east-2:123456789012:failed';
  await exhaust(bench, { kind: 'sns', arn }, service);
  const [publish] = service.requests;
  expect(publish && scope(publish)).toBe('us-east-2/sns');
  const form = new URLSearchParams(publish?.body);
  expect(form.get('TopicArn')).toBe(arn);
  expect(JSON.parse(form.get('Message') ?? '')).toEqual(described(bench));
  expect(service.requests).toHaveLength(1);
});

test('S3 gets an object with the whole event as text, under a key by mapping, partition and time', async () => {
  await using service = await startService();
  await using bench = new Bench();
  const lambda = await exhaust(bench, { kind: 's3', arn: 'arn:aws:s3:::failed-records' }, service);
  const [put] = service.requests;
  expect(put?.method).toBe('PUT');
  expect(put && scope(put)).toBe('eu-west-1/s3');
  const uuid = '00000000-0000-4000-8000-000000000000';
  expect(put?.url).toMatch(
    new RegExp(
      `^/failed-records/aws/lambda/${uuid}/${bench.topic}-0/\\d{4}/\\d\\d/\\d\\d/` +
        '\\d{4}-\\d\\d-\\d\\dT\\d\\d\\.\\d\\d\\.\\d\\d-[0-9a-f-]{36}(\\?x-id=PutObject)?$',
    ),
  );
  const { payload, ...rest } = JSON.parse(objectOf(put)) as { payload: string };
  expect(rest).toEqual(described(bench));
  expect(JSON.parse(payload) as KafkaEvent).toEqual(lambda.invocations[0]?.event);
});

test('records that the destination does not take are kept: their partition waits with an error, and no other partition', async () => {
  await using service = await startService();
  service.failures = 6;
  await using bench = new Bench();
  await bench.createTopic(2);
  const lambda = await bench.lambda(({ records }) =>
    records.some(({ partition }) => partition === 0) ? failure : success,
  );
  await bench.produceCount(1);
  await bench.produceCount(1, { from: 1 });
  const poller = bench.poll(lambda, {
    destination: { kind: 'sqs', arn: 'arn:aws:sqs:us-east-1:123456789012:failed' },
    batchSize: 1,
    maximumRetryAttempts: 0,
    endpoints: { region: 'us-east-1', sqs: service.endpoint },
  });
  await until('a refused delivery', () =>
    bench.log.some((line) => /^error: .* did not take 1 record .*They are kept/.test(line)),
  );
  expect(await bench.committed(0)).toBe(-1);
  const [blocked] = poller.stats.snapshot().partitions;
  expect(blocked?.blocked).toMatchObject({ offset: 0, attempts: 1, isRetried: true });
  await bench.produceCount(1, { from: 7, partition: 1 });
  await until('the other partition', async () => (await bench.committed(1)) === 1);
  await until('both', async () => (await bench.committed(0)) === 2, {
    withinMs: 40_000,
    seen: () => bench.log.slice(-5),
  });
  expect(values(lambda, 0)).toEqual(['0', '1']);
  expect(poller.stats.snapshot()).toMatchObject({ sentToDestination: 2, dropped: 0 });
});

test('with dropWhenDestinationFails records are dropped after three attempts, as on AWS', async () => {
  await using service = await startService();
  service.failures = 1_000;
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda((_, index) => (index === 0 ? failure : success));
  await bench.produceCount(2);
  const poller = bench.poll(lambda, {
    destination: { kind: 'sns', arn: 'arn:aws:sns:us-east-1:123456789012:failed' },
    dropWhenDestinationFails: true,
    batchSize: 1,
    maximumRetryAttempts: 0,
    endpoints: { region: 'us-east-1', sns: service.endpoint },
  });
  await until('the commit', async () => (await bench.committed()) === 2, { withinMs: 40_000 });
  expect(bench.log.filter((line) => /^error: .*DROPPED/.test(line))).toHaveLength(1);
  expect(poller.stats.snapshot()).toMatchObject({ dropped: 1, destinationFailures: 3 });
});

/** The object's content; the SDK may send it in chunks, each after its length. */
function objectOf(put: Received | undefined): string {
  const body = put?.body ?? '';
  if (!put?.headers['content-encoding']?.includes('aws-chunked')) return body;
  return body
    .split('\r\n')
    .filter((line) => line.startsWith('{'))
    .join('');
}
