import { connect, createServer } from 'node:net';
import { listener } from './processes.ts';
import { endCommand } from './system.ts';

/** A free TCP port on the loopback address. */
export function freePort(): Promise<number> {
  return listen(0);
}

/** Finds different free ports. Asked one by one, the system may give the same port twice. */
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
  return listen(port).then(
    () => true,
    () => false,
  );
}

function listen(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
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
