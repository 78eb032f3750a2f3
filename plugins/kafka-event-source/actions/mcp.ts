/** The Model Context Protocol at `/mcp`, over HTTP without sessions. https://modelcontextprotocol.io/specification */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type Access, hasToken } from '../control/guard.ts';
import { RequestError } from '../control/request.ts';
import type { Answer, Request, Route } from '../control/server.ts';
import { messageOf } from '../log.ts';
import { words } from '../words.ts';
import { TOOLS, type Tool, type ToolContext } from './tools.ts';

export interface McpOptions extends ToolContext {
  /** Whether tools may change something. */
  readonly allowChanges: () => boolean;
  /** With this, requests need its token: other machines can reach the server. */
  readonly access?: Access | undefined;
}

const PATH = '/mcp';
const PACKAGE = '@modelcontextprotocol/sdk';
const readOnly = () =>
  'Changes are switched off for /mcp. A dry run says what would happen. To allow them, set ' +
  `${words().setting('console.allowChanges')} to true, and start again.`;

/** Answers the messages of a client, one request at a time. */
export function mcpRoute(options: McpOptions): Route {
  return async (request) => {
    if (request.path !== PATH) return undefined;
    if (options.access && !hasToken(request, options.access)) {
      const message =
        'Other machines can reach this server, so /mcp needs the token that the start has printed: send ' +
        'it as "authorization: Bearer <token>".';
      return failed(401, 'TokenMissing', message);
    }
    if (request.method !== 'POST') {
      const message =
        'This server has no stream of its own and no sessions: send messages by POST.';
      return { ...failed(405, 'MethodNotAllowed', message), headers: { allow: 'POST' } };
    }
    try {
      return await answer(options, request);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      const install = `npm install --save-dev ${PACKAGE}`;
      return failed(501, 'PackageMissing', `/mcp needs the package ${PACKAGE}: run ${install}`);
    }
  };
}

/** Loaded with the first message, and again after a failure: the user may install it meanwhile. */
let loaded: ReturnType<typeof load> | undefined;

async function load() {
  const { McpServer: Server } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { WebStandardStreamableHTTPServerTransport: Transport } = await import(
    '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
  );
  return { Server, Transport };
}

async function answer(options: McpOptions, { headers, body }: Request): Promise<Answer> {
  loaded ??= load();
  loaded.catch(() => {
    loaded = undefined;
  });
  const { Server, Transport } = await loaded;
  let message: unknown;
  try {
    message = JSON.parse(body.toString('utf8'));
  } catch (error) {
    return failed(400, 'NotJson', `The message is not JSON: ${messageOf(error)}.`);
  }
  const server = new Server({ name: 'lambda-kafka-event-source', version: '1' });
  for (const [name, tool] of Object.entries(TOOLS)) register(server, name, tool, options);
  const transport = new Transport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    const own = Object.entries(headers).filter(([name]) =>
      /^(accept|content-type|mcp-)/.test(name),
    );
    const response = await transport.handleRequest(
      new globalThis.Request('http://localhost/mcp', {
        method: 'POST',
        headers: Object.fromEntries(own) as Record<string, string>,
      }),
      // Parsed here, since the transport takes no body of more than 4 MB.
      { parsedBody: message },
    );
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    };
  } finally {
    await server.close();
  }
}

function register(server: McpServer, name: string, tool: Tool, options: McpOptions): void {
  const { description, input, isChange } = tool;
  const annotations = { readOnlyHint: !isChange, openWorldHint: false };
  server.registerTool(name, { description, inputSchema: input, annotations }, async (given) => {
    try {
      const isDryRun = (given as { dryRun?: boolean }).dryRun === true;
      if (isChange && !isDryRun && !options.allowChanges()) {
        throw new RequestError(403, 'ChangesNotAllowed', readOnly());
      }
      const result = await tool.run(options, given as never);
      return { content: [{ type: 'text', text: JSON.stringify(result, null, 1) }] };
    } catch (error) {
      const code = error instanceof RequestError ? error.code : 'Failed';
      return { isError: true, content: [{ type: 'text', text: `${code}: ${messageOf(error)}` }] };
    }
  });
}

function failed(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}
