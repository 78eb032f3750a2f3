/**
 * Makes serverless-offline's HTTP server treat requests and answers as an HTTP API does. Everything
 * that the server would act on by itself is taken out of the request first; the functions get the
 * request as it was sent.
 */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

/** The part of a request of hapi, serverless-offline's HTTP server, that is used here. */
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

/** The part of serverless-offline that is used here. */
export type Offline = { internals(): { getApiGatewayServer(): Server } };

/** Headers that the server acts on: it answers 304 or 206, adds CORS and refuses odd cookies. */
const ANSWERED_BY_SERVER = ['if-none-match', 'if-modified-since', 'range', 'origin', 'cookie'];

/** The server parses JSON and refuses other types of content; these two it passes on unchanged. */
const TEXT = 'text/plain';
const BYTES = 'application/octet-stream';
const IS_BYTES = /multipart\/form-data|application\/octet-stream/i;

/** A method that no route has, so that the request comes to `$default`. */
const NO_ROUTES_METHOD = 'head of no route';

/** Stands for a missing `content-type`, for which serverless-offline would invent one. */
const ABSENT = ' ';

export function actAsHttpApi(server: Server): void {
  server.ext('onRequest', (request, { continue: goOn }) => {
    const { raw, headers, info } = request;
    const { 'content-type': type } = headers;
    if (type === undefined) raw.req.rawHeaders.push('content-type', ABSENT);
    headers['content-type'] = type && IS_BYTES.test(type) ? BYTES : TEXT;
    for (const name of ANSWERED_BY_SERVER) delete headers[name];
    info.acceptEncoding = 'identity';
    // The server uses a GET route for HEAD, too; for an HTTP API these are two methods.
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

/** The event with the headers and cookies as they were sent. */
export function asSent(event: HttpEvent): HttpEvent & { cookies?: string[] } {
  const { 'content-type': type, ...headers } = event.headers;
  const { cookie } = headers;
  return {
    ...event,
    headers: type === undefined || type === ABSENT ? headers : { ...headers, 'content-type': type },
    cookies: cookie?.split(/; */),
  };
}
