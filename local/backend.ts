import { kafkaService } from '../plugins/kafka-event-source/broker/kafka.ts';
import {
  type Service,
  type Services,
  type StartOptions,
  startServices,
} from '../plugins/kafka-event-source/broker/services.ts';
import { dynamodbService } from './dynamodb.ts';

export const serviceNames = ['kafka', 'dynamodb'] as const;

export type ServiceName = (typeof serviceNames)[number];

export type Ports = { kafkaPort: number; dynamoPort: number };

export type BackendOptions = StartOptions & Ports & { services?: readonly ServiceName[] };

export type Addresses = { kafkaBrokers: string; dynamoEndpoint: string };

export type Backend = Services<ServiceName> & Addresses;

/** Starts Kafka and DynamoDB Local; they end with this process. Both answer when it returns. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const all = servicesOn(options);
  const wanted = options.services ?? serviceNames;
  const services = new Map(wanted.map((name) => [name, all[name]]));
  return {
    ...(await startServices(services, options)),
    ...addressesOn(options),
  };
}

/** The addresses of Kafka and DynamoDB on these ports. */
export function addressesOn({ kafkaPort, dynamoPort }: Ports): Addresses {
  return {
    kafkaBrokers: `localhost:${kafkaPort}`,
    dynamoEndpoint: `http://localhost:${dynamoPort}`,
  };
}

/** Kafka and DynamoDB as they are on these ports. */
export function servicesOn({ kafkaPort, dynamoPort }: Ports): Record<ServiceName, Service> {
  return { kafka: kafkaService(kafkaPort), dynamodb: dynamodbService(dynamoPort) };
}
