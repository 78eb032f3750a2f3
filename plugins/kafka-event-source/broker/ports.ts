import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { listener } from './processes.ts';
import { endCommand } from './system.ts';

/** Systems give the ports from 32768 on, or from 49152 on, to whoever asks for any port. */
const [FIRST_PORT, PORTS_OF_SYSTEMS] = [20_000, 32_768];
/** Where no port can be opened at all, the search ends with an error. */
const MOST_TRIES = 1_000;

/**
 * A free TCP port on the loopback addresses. It is none of those that the system gives to others, who could
 * have it before the server that it is meant for.
 *
 * @throws Error if none of many ports can be opened
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, PORTS_OF_SYSTEMS);
    if (await isFree(port)) return port;
  }
  throw new Error(
    `None of ${MOST_TRIES} ports below ${PORTS_OF_SYSTEMS} could be opened on 127.0.0.1.`,
  );
}

/** Finds different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** A port, the server that needs it, and the variable that chooses another port. */
export type WantedPort = { what: string; port: number; change: string };

/** Checks that ports are free. @throws Error that names the port's holder and the remedy */
export async function checkPorts(ports: readonly WantedPort[]) {
  for (const { what, port, change } of ports) {
    if (await isFree(port)) continue;
    const holder = listener(port);
    const by = holder ? `process ${holder.pid} (${shorten(holder.command)})` : 'another process';
    throw new Error(
      `Port ${port}, wanted for ${what}, is held by ${by}. ` +
        `End it${holder ? ` (${endCommand(holder.pid)})` : ''}, or choose another port with ${change}.`,
    );
  }
}

/** Whether nobody answers on the port, on either loopback address, and it can be bound. */
export async function isFree(port: number): Promise<boolean> {
  // A listener on all addresses does not always prevent binding one of them, so this connects, too.
  if ((await answers('127.0.0.1', port)) || (await answers('::1', port))) return false;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether a server takes connections there, within a second. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

function shorten(command: string): string {
  return command.length > 120 ? `${command.slice(0, 117)}...` : command;
}
