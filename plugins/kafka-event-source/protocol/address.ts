/** The first servers that a client connects to; kafkajs takes `host:port` apart at its first colon. */

/** As much of kafkajs' class as this needs. */
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

/** Builds connections to the servers in turn, as kafkajs does; it is told where to. */
export function inTurn(builder: PoolBuilder, servers: readonly string[]): PoolBuilder {
  let next = 0;
  return {
    build: (to = {}) => {
      const server = to.host ? undefined : servers[next++ % servers.length];
      return builder.build(server === undefined ? to : toAddress(server));
    },
  };
}
