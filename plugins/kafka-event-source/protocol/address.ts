/** Connects a client to its bootstrap servers; kafkajs cuts `host:port` at its first colon. */

/** The used part of kafkajs' class. */
export interface PoolBuilder {
  build(to?: Address): Promise<unknown>;
}

interface Address {
  readonly host?: string;
  readonly port?: number;
}

/** `host:port`, with an IPv6 address in brackets. */
export function toAddress(server: string): Address {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(server.slice(colon + 1)) };
}

/** Takes the servers in turn, as kafkajs does, and gives kafkajs host and port apart. */
export function inTurn(builder: PoolBuilder, servers: readonly string[]): PoolBuilder {
  let next = 0;
  return {
    build: (to = {}) => {
      const server = to.host ? undefined : servers[next++ % servers.length];
      return builder.build(server === undefined ? to : toAddress(server));
    },
  };
}
