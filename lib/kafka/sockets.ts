import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { afterAwake } from '../awake.ts';

const CONNECT_MS = 1_000;
const KEEP_ALIVE_MS = 60_000;
const REPLACED = 'the connection was replaced';

/** The sockets of one kafkajs client. */
export type Sockets = {
  factory: ISocketFactory;
  /** Breaks the open sockets, so that waiting requests fail. The client gets no new sockets. */
  close(): void;
};

/** Makes a client's sockets: kafkajs can neither cancel requests nor ignore frozen time. */
export function createSockets(): Sockets {
  const open = new Set<net.Socket>();
  let isClosed = false;
  return {
    factory: ({ host, port, ssl, onConnect }) => {
      if (isClosed) throw new Error(REPLACED);
      const name = net.isIP(host) ? {} : { servername: host };
      const socket = ssl
        ? tls.connect({ host, port, ...name, ...ssl }, onConnect)
        : net.connect({ host, port }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const late = () => socket.destroy(new Error(`no connection within ${CONNECT_MS} ms`));
      const connected = afterAwake(CONNECT_MS, late);
      socket.once(ssl ? 'secureConnect' : 'connect', connected);
      socket.once('close', () => {
        connected();
        open.delete(socket);
      });
      open.add(socket);
      return socket;
    },
    close() {
      isClosed = true;
      for (const socket of open) if (!socket.writableEnded) socket.destroy(new Error(REPLACED));
    },
  };
}
