import { freePort } from '../../plugins/kafka-event-source/broker/ports.ts';

/** So many different free ports; asked one by one, the system may give the same port twice. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
