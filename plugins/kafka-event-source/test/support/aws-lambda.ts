/** An HTTP server in the place of AWS's Lambda API, which checks the signature of each call. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SignatureV4 } from '@smithy/signature-v4';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Call {
  readonly path: string;
  readonly region: string;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An error in the form in which Lambda answers it. */
export function awsError(status: number, type: string, message: string): Reply {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ Type: 'User', Message: message }),
  };
}

/** Answers calls with a right signature of these keys, and refuses the others as AWS does. */
export async function startAwsLambda(
  keys: Keys,
  reply: (call: Call, index: number) => Reply | Promise<Reply>,
) {
  const calls: Call[] = [];
  const server = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const fault = await faultOf(request, body, keys);
    const region = regionIn(request.headers.authorization ?? '');
    const call = { path: request.url ?? '', region, body: body.toString() };
    const index = calls.push(call) - 1;
    const { status = 200, headers = {}, body: text = 'null' } = fault ?? (await reply(call, index));
    response.writeHead(status, headers).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function regionIn(authorization: string): string {
  return /Credential=[^/]+\/\d{8}\/([^/]+)\/lambda\/aws4_request/.exec(authorization)?.[1] ?? '';
}

/** AWS's answer to a request without the right signature. */
async function faultOf(
  { method = '', url = '', headers }: http.IncomingMessage,
  body: Buffer,
  keys: Keys,
): Promise<Reply | undefined> {
  const { authorization = '' } = headers;
  const [, signed = ''] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
  const date = String(headers['x-amz-date']).replace(
    /^(....)(..)(..T..)(..)(..Z)$/,
    '$1-$2-$3:$4:$5',
  );
  const signer = new SignatureV4({
    credentials: keys,
    region: regionIn(authorization),
    service: 'lambda',
    sha256: Sha256,
  });
  const request = {
    method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    path: url,
    query: {},
    headers: Object.fromEntries(signed.split(';').map((name) => [name, String(headers[name])])),
    body,
  };
  const { headers: own } = await signer.sign(request, { signingDate: new Date(date) });
  return own.authorization === authorization
    ? undefined
    : awsError(
        403,
        'InvalidSignatureException',
        'The request signature we calculated does not match',
      );
}

/** Node's SHA-256 in the form that the signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === 'string' ? secret : Buffer.from((secret as Uint8Array) ?? []);
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', key);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === 'string' ? data : new Uint8Array(data as Uint8Array));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error('The signer uses each hash once.');
  }
}
