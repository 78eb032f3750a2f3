import { kafkaService } from './kafka.ts';
import { type Service, type Services, type StartOptions, startServices } from './services.ts';

export type Broker = Services<'kafka'> & { kafkaBrokers: string };

export type BrokerOptions = StartOptions & {
  port: number;
  /** The way to run it: with Java by default. */
  service?(port: number): Service;
};

/** Starts a broker of one node that ends with this process. The broker is ready on return. */
export async function startBroker({
  service = kafkaService,
  ...options
}: BrokerOptions): Promise<Broker> {
  const services = new Map([['kafka', service(options.port)] as const]);
  return {
    ...(await startServices(services, options)),
    kafkaBrokers: `localhost:${options.port}`,
  };
}
