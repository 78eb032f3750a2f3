import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { fetchJars, type Jars, jarFolder } from '../plugins/kafka-event-source/broker/jars.ts';
import { javaFlags } from '../plugins/kafka-event-source/broker/kafka.ts';
import type { Service } from '../plugins/kafka-event-source/broker/services.ts';
import type { Task } from '../plugins/kafka-event-source/broker/supervise.ts';
import { useWriteAheadLog } from './write-ahead.ts';

export const dynamodbJars: Jars = { name: 'dynamodb', pom: join(import.meta.dirname, 'pom.xml') };

/** DynamoDB Local on this port. */
export function dynamodbService(port: number): Service {
  const endpoint = `http://localhost:${port}`;
  return {
    what: `DynamoDB on ${endpoint}`,
    port: { what: 'DynamoDB', port, change: 'DYNAMODB_PORT' },
    prepare: (options) => fetchJars(dynamodbJars, options),
    task: (directory) => dynamodbTask(jarFolder(dynamodbJars), directory, port),
    answers: () => dynamodbAnswers(endpoint),
  };
}

/** DynamoDB Local with its data on disk, for this machine alone: dynamodb.xml says how. */
function dynamodbTask(jars: string, directory: string, port: number): Task {
  const data = join(directory, 'data/dynamodb');
  mkdirSync(data, { recursive: true });
  useWriteAheadLog(data);
  return {
    name: 'dynamodb',
    command: 'java',
    args: [
      ...[...javaFlags, `-Dsqlite4java.library.path=${jars}`],
      ...['-cp', join(jars, '*'), 'org.eclipse.jetty.xml.XmlConfiguration'],
      // Jetty reads this file with the properties given before it.
      ...[`port=${port}`, `dbPath=${data}`, join(import.meta.dirname, 'dynamodb.xml')],
    ],
    log: join(directory, 'logs/dynamodb.log'),
  };
}

/** Throws until DynamoDB answers. */
export async function dynamodbAnswers(endpoint: string): Promise<true> {
  const client = dynamodbClient(endpoint);
  try {
    await client.send(new ListTablesCommand({ Limit: 1 }), limit(3000));
    return true;
  } finally {
    client.destroy();
  }
}

/** A client for a local endpoint; any credentials do there. */
export function dynamodbClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: process.env.AWS_REGION ?? 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

/** The option that bounds one call. */
export function limit(ms: number) {
  return { abortSignal: AbortSignal.timeout(ms) };
}
