/** An engine with mappings of a test, and a client of its `/api`. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Definition, Loaded } from '../../definition.ts';
import { Engine } from '../../engine.ts';
import type { Mapping } from '../../mapping.ts';
import { readOptions } from '../../options.ts';
import type { Bench, Lambda } from './bench.ts';

interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each action has another answer.
  readonly body: any;
}

/** Runs one mapping of the bench's topic, as `sls offline start` does. */
export async function act(
  bench: Bench,
  lambda: Lambda,
  changes: Partial<Mapping> = {},
  options: object = {},
) {
  const lines: string[] = [];
  const log = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const mapping = bench.mapping({ uuid: randomUUID(), ...changes });
  const { name, functionKey, logicalId } = mapping;
  const shown = { refusals: [], warnings: [], parity: [] };
  const definition: Definition = {
    name,
    functionKey,
    logicalId,
    where: logicalId,
    mapping,
    ...shown,
  };
  const definitions = { definitions: [definition], warnings: [], notDeployed: [] };
  const folder = await mkdtemp(join(tmpdir(), 'kes-acting-'));
  const engine = await Engine.start(
    {
      service: { service: 'test', stage: 'test', functions: [] },
      definitions,
      options: readOptions({ apiPort: 0, ...options }),
    } as unknown as Loaded,
    {
      place: { folder, stage: 'test' },
      endpoint: lambda.endpoint,
      log: {
        error: log('error'),
        warning: log('warning'),
        notice: log('notice'),
        info: log('info'),
        debug: log('debug'),
      },
    },
  );
  const [, url = '', token] = /page (http:\S+)\/\?token=(\S+)/.exec(lines.join('\n')) ?? [];
  const authorization = `Bearer ${token}`;
  const call = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    uuid: mapping.uuid,
    url,
    /** The page's address with the token. */
    page: `${url}/?token=${token}`,
    authorization,
    lines,
    get: (path: string) => call('GET', path),
    post: (path: string, body: unknown = {}) => call('POST', path, body),
    remove: (path: string) => call('DELETE', path),
    fault: (wish: object) => call('POST', '/api/faults', { mapping: mapping.uuid, ...wish }),
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** A client of MCP, and the text of its tools' answers. */
export async function clientOf(url: string, headers: Record<string, string> = {}) {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers },
  });
  // Its type does not allow for exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  const call = async (name: string, input: Record<string, unknown> = {}) => {
    const { isError = false, content } = await client.callTool({ name, arguments: input });
    const [{ text = '' } = {}] = content as { text?: string }[];
    return { isError, text, body: isError ? undefined : JSON.parse(text) };
  };
  return { client, call };
}
