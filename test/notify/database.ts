import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request to DynamoDB: its action, such as `UpdateItem`, the item's `pk`, and the status that it writes. */
export type DatabaseRequest = {
  instance: string;
  action: string;
  key: string | undefined;
  status: string | undefined;
};

/**
 * With `answered` and `answer lost` DynamoDB does the work, with the others it does not. `refused` is an error that
 * no code expects. A lost request is answered with 503: the SDK does not recognise errors of sockets within jest.
 */
export type Reaction = 'answered' | 'answer lost' | 'never sent' | 'throttled' | 'refused';

export type Database = Awaited<ReturnType<typeof startDatabase>>;

/**
 * A proxy in front of DynamoDB Local that makes the faults a test asks for. Each instance of a function has
 * an address of its own, so that the requests of an instance that has died no longer arrive.
 */
export async function startDatabase(endpoint: string) {
  const { hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true });
  const dead = new Set<string>();
  let react: (request: DatabaseRequest) => Reaction = () => 'answered';
  let death: Death | undefined;

  const server = createServer((incoming, response) => {
    forward(incoming, response).catch(() => incoming.socket.destroy());
  });

  async function forward(incoming: IncomingMessage, response: ServerResponse) {
    const body = await buffer(incoming);
    const seen = requestOf(incoming, body);
    const fatal = !dead.has(seen.instance) && death?.isMeant(seen) ? death : undefined;
    if (fatal) {
      death = undefined;
      dead.add(seen.instance);
    }
    if (fatal?.when === 'before') fatal.died();
    const isLost = dead.has(seen.instance) && fatal?.when !== 'after';
    const reaction = isLost ? 'never sent' : react(seen);
    if (reaction === 'never sent') return void response.writeHead(503).end();
    if (reaction === 'throttled' || reaction === 'refused') {
      return void response.writeHead(400, JSON_TYPE).end(ERRORS[reaction]);
    }
    const { method, headers } = incoming;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ hostname, port, method, headers, agent, path: '/' }, resolve)
        .on('error', reject)
        .end(body);
    });
    const content = await buffer(answer);
    fatal?.died();
    if (reaction === 'answer lost' || dead.has(seen.instance)) {
      return void response.writeHead(503).end();
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers).end(content);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    addressFor: (instance: string) => `${address}/${instance}`,
    /** Decides about each request from now on. */
    react(decide: (request: DatabaseRequest) => Reaction) {
      react = decide;
    },
    /** No request of the instance arrives any more. */
    kill: (instance: string) => dead.add(instance),
    /**
     * Kills the instance that first makes such a request, before DynamoDB has it or when its work is done.
     *
     * @returns resolves at that moment
     */
    killAt(when: Death['when'], isMeant: Death['isMeant']): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      death = { when, isMeant, died: resolve };
      return promise;
    },
    close() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

type Death = {
  when: 'before' | 'after';
  isMeant: (request: DatabaseRequest) => boolean;
  died: () => void;
};

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.0' };
const ERRORS = {
  throttled: errorOf('ThrottlingException', 'Rate exceeded'),
  refused: errorOf('ValidationException', 'The table does not like it'),
};

function errorOf(name: string, message: string): string {
  return JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message });
}

function requestOf({ url = '', headers }: IncomingMessage, body: Buffer): DatabaseRequest {
  const [, instance = ''] = url.split('/');
  const action = String(headers['x-amz-target']).split('.').at(-1) ?? '';
  const { Key: key, ExpressionAttributeValues: values } = JSON.parse(body.toString());
  return { instance, action, key: key?.pk?.S, status: values?.[':status']?.S };
}
