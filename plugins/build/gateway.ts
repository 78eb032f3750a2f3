/**
 * Lets serverless-offline's HTTP server treat requests and answers as an HTTP API does: what the server
 * would do by itself is taken from its hands before it looks. The functions get what was sent.
 */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

/** As much of a request of hapi, which serverless-offline is built on. */
type Request = {
  method: string;
  headers: Record<string, string | undefined>;
  info: { acceptEncoding: string };
  raw: { req: { url?: string; rawHeaders: string[] } };
  route: { settings: { response: { ranges?: boolean } } };
  response: { isBoom?: boolean; output?: { statusCode: number; payload: { error: string } } };
  setUrl(url: string, stripTrailingSlash: boolean): void;
};
type Answer = { code(status: number): Answer };
type Toolkit = { continue: symbol; response(body: object): Answer };
type Extension = (request: Request, toolkit: Toolkit) => symbol | Answer;

export type Server = { ext(point: string, extension: Extension): void };

/** What serverless-offline shows of itself. */
export type Offline = { internals(): { getApiGatewayServer(): Server } };

/** To these the server answers 304 or 206, adds CORS of its own, and refuses cookies that it cannot read. */
const ANSWERED_BY_SERVER = ['if-none-match', 'if-modified-since', 'range', 'origin', 'cookie'];

/** The server refuses other types of content, or reads JSON; of these it takes a text, or bytes. */
const TEXT = 'text/plain';
const BYTES = 'application/octet-stream';
const IS_BYTES = /multipart\/form-data|application\/octet-stream/i;

/** Names no method of a route, so that the request comes to `$default`. */
const NO_ROUTES_METHOD = 'head of no route';

/** serverless-offline puts a type of content where there is none; this one is seen and taken out again. */
const ABSENT = ' ';

export function actAsHttpApi(server: Server): void {
  server.ext('onRequest', (request, { continue: goOn }) => {
    const { raw, headers, info } = request;
    const { 'content-type': type } = headers;
    if (type === undefined) raw.req.rawHeaders.push('content-type', ABSENT);
    headers['content-type'] = type && IS_BYTES.test(type) ? BYTES : TEXT;
    for (const name of ANSWERED_BY_SERVER) delete headers[name];
    info.acceptEncoding = 'identity';
    // The server takes a route's GET for its HEAD, too; to an HTTP API these are two methods.
    if (request.method === 'head') request.method = NO_ROUTES_METHOD;
    const { url = '' } = raw.req;
    if (/^\/[^?#]+\/([?#]|$)/.test(url)) request.setUrl(url, false);
    return goOn;
  });
  server.ext('onPreHandler', (request, { continue: goOn }) => {
    if (request.method === NO_ROUTES_METHOD) request.method = 'head';
    request.route.settings.response.ranges = false;
    return goOn;
  });
  server.ext('onPreResponse', ({ response: { isBoom, output } }, toolkit) => {
    if (!isBoom || !output) return toolkit.continue;
    return toolkit.response({ message: output.payload.error }).code(output.statusCode);
  });
}

type HttpEvent = { headers: Record<string, string>; requestContext: { http: object } };

/** Whether the event is a request as an HTTP API sends it. */
export function isHttpEvent(event: unknown): event is HttpEvent {
  return Reflect.has(Object(Object(event).requestContext), 'http');
}

/** The event with what was sent, where serverless-offline has something else. */
export function asSent(event: HttpEvent): HttpEvent & { cookies?: string[] } {
  const { 'content-type': type, ...headers } = event.headers;
  const { cookie } = headers;
  return {
    ...event,
    headers: type === undefined || type === ABSENT ? headers : { ...headers, 'content-type': type },
    cookies: cookie?.split(/; */),
  };
}
