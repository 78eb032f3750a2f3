import { kafkaService } from './kafka.ts';
import { type Services, type StartOptions, startServices } from './services.ts';

export type Broker = Services<'kafka'> & { kafkaBrokers: string };

/** Starts a broker of one node that ends with this process. The broker is ready on return. */
export async function startBroker(options: StartOptions & { port: number }): Promise<Broker> {
  const services = new Map([['kafka', kafkaService(options.port)] as const]);
  return {
    ...(await startServices(services, options)),
    kafkaBrokers: `localhost:${options.port}`,
  };
}
