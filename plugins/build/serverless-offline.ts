/**
 * Everything that this project changes inside serverless-offline, which is JavaScript without types. The faults
 * are those of version 14.8.2; the paths are below its `src/`. Each part can go when its fault is corrected there.
 *
 * 1. `limitInstances`: lambda/LambdaFunctionPool.js has no limit. It starts an instance for every call that
 *    finds none idle: a burst of 64 requests is 64 threads that all load the code at once.
 * 2. `retireOnRebuild`: lambda/LambdaFunctionPool.js keeps a warm instance for ever or, with `reloadHandler`,
 *    for one call only. Nothing asks it to load the code anew after a build.
 * 3. `answerFailures`: events/http/HttpServer.js takes the error of a failed invocation for an answer, and
 *    answers 200 with the stack.
 * 4. `actAsHttpApi`: events/http/HttpServer.js lets its own server, hapi, act on requests by itself: caches,
 *    ranges, CORS, cookies, HEAD, Host, and types of content. An HTTP API gives them to the function.
 */

/** The calls of serverless-offline to an instance. */
type Call = {
  setEvent(event: unknown): void;
  setClientContext(context: unknown): void;
  runHandler(): Promise<unknown>;
};

/** An instance of a function; `cleanup` ends its worker thread, and its next call makes a new one. */
type Instance = Call & { cleanup(): Promise<void> };

/** serverless-offline's class by which it gets an instance for each call. */
type LambdaClass<I = Instance> = {
  prototype: {
    get(functionKey: string): I;
    /** Only Lambda's Invoke calls this method; the method calls `get`. */
    getByFunctionName(functionName: string): I;
  };
};

/** From serverless-offline's own exports; the package is written in JavaScript and has no types. */
export async function lambdaClass(): Promise<LambdaClass> {
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  return Lambda;
}

/**
 * Limits the instances of each function: on the few cores of a laptop the first answers of many instances
 * would take longer than the functions' time limit. A call beyond the limit waits its turn, first come, first served.
 *
 * Differs from AWS: Lambda gives every instance a processor of its own, and beyond the account's limit
 * answers 429.
 */
export function limitInstances({ prototype }: LambdaClass<Call>, limit: number): void {
  const gates = new Map<string, Gate>();
  const get = prototype.get;
  let isInTurn = false;
  prototype.get = function getInTurn(functionKey) {
    if (isInTurn) return get.call(this, functionKey);
    const gate = gates.get(functionKey) ?? createGate(limit);
    gates.set(functionKey, gate);
    // Calls the outermost `get`, because other plugins wrap it too and must get the instance itself.
    const take = () => {
      isInTurn = true;
      try {
        return this.get(functionKey);
      } finally {
        isInTurn = false;
      }
    };
    return turnOf(gate, take);
  };
}

/** Represents an instance until there is one: keeps the arguments of the call, and passes them on. */
function turnOf(gate: Gate, take: () => Call): Call {
  let event: unknown;
  let context: unknown;
  return {
    setEvent(value) {
      event = value;
    },
    setClientContext(value) {
      context = value;
    },
    runHandler: () =>
      gate(() => {
        const instance = take();
        instance.setClientContext(context);
        instance.setEvent(event);
        return instance.runHandler();
      }),
  };
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Limits the work in progress. Later work begins in the order of its arrival. */
function createGate(limit: number): Gate {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

/**
 * Makes an instance that was made before the latest rebuild load its code anew when it is next used. An
 * instance that is busy at the rebuild ends its call in peace. One that has answered, but still marks its
 * event, counts as idle: the mark is lost, as at a crash, and the relay publishes the event again.
 *
 * @returns a function to call after a rebuild
 */
export function retireOnRebuild(
  { prototype }: LambdaClass,
  report: (error: unknown) => void,
): () => void {
  let builds = 0;
  const loadedAt = new WeakMap<Instance, number>();
  const get = prototype.get;
  prototype.get = function getFresh(functionKey) {
    const instance = get.call(this, functionKey);
    const isStale = (loadedAt.get(instance) ?? builds) < builds;
    // Ends the worker thread; the instance makes a new one at its next run.
    if (isStale) instance.cleanup().catch(report);
    loadedAt.set(instance, builds);
    return instance;
  };
  return () => {
    builds += 1;
  };
}

/** The answer of an HTTP API to a failed invocation. */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
const FAILED = {
  statusCode: 500,
  headers: { 'content-type': 'application/json' },
  body: '{"message":"Internal Server Error"}',
};

/**
 * Answers a request whose invocation failed (at load, by a throw, a crash or the time limit) as an
 * HTTP API does. Lambda's Invoke gets the error.
 *
 * Works on the calls that wait for their turn, so `limitInstances` comes before it.
 */
export function answerFailures(
  { prototype }: LambdaClass<Call>,
  report: (message: string) => void,
): void {
  const { get, getByFunctionName } = prototype;
  let isInvoke = false;
  prototype.getByFunctionName = function getForInvoke(functionName) {
    isInvoke = true;
    try {
      return getByFunctionName.call(this, functionName);
    } finally {
      isInvoke = false;
    }
  };
  prototype.get = function getAnswering(functionKey) {
    const call = get.call(this, functionKey);
    // A call whose turn has come gets an instance; that call is wrapped already.
    const isInstance = 'cleanup' in call;
    if (isInvoke || isInstance) return call;
    return answering(call, (error) => {
      report(`${functionKey} failed, so its caller got 500: ${describe(error)}`);
    });
  };
}

function answering(call: Call, tell: (error: unknown) => void): Call {
  let isRequest = false;
  return {
    setEvent(event) {
      isRequest = isHttpEvent(event);
      call.setEvent(isHttpEvent(event) ? asSent(event) : event);
    },
    setClientContext: (context) => call.setClientContext(context),
    async runHandler() {
      try {
        return await call.runHandler();
      } catch (error) {
        if (!isRequest) throw error; // A schedule has no caller: serverless-offline logs the error.
        tell(error);
        return FAILED;
      }
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The part of a request of hapi, serverless-offline's HTTP server, that is used here. */
type Request = {
  method: string;
  headers: Record<string, string | undefined>;
  info: { acceptEncoding: string; host: string };
  raw: { req: { url?: string; rawHeaders: string[] } };
  route: { settings: { response: { ranges?: boolean } } };
  response: { isBoom?: boolean; output?: { statusCode: number; payload: { error: string } } };
  setUrl(url: string, stripTrailingSlash: boolean): void;
};
type Answer = { code(status: number): Answer };
type Toolkit = { continue: symbol; response(body: object): Answer };
type Extension = (request: Request, toolkit: Toolkit) => symbol | Answer;

type Server = {
  ext(point: string, extension: Extension): void;
  /** Node's server. */
  listener: { requestTimeout: number; headersTimeout: number };
};

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

/** Replaces a missing or empty `content-type`, for which serverless-offline would invent one. */
const ABSENT = ' ';

/** The time in which a whole request must come. Node looks at it every 30 s; by itself it waits for 5 minutes. */
const REQUEST_MS = 10_000;

/**
 * Makes the HTTP server treat requests and answers as an HTTP API does. Everything that the server would
 * act on by itself is taken out of the request first; the functions get the request as it was sent.
 */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
export function actAsHttpApi(server: Server): void {
  // Node takes the longer one of the two for the whole request.
  server.listener.headersTimeout = REQUEST_MS;
  server.listener.requestTimeout = REQUEST_MS;
  server.ext('onRequest', (request, { continue: goOn }) => {
    const { raw, headers, info } = request;
    joinRepeated(raw.req.rawHeaders);
    const { 'content-type': type } = headers;
    if (!type) raw.req.rawHeaders.push('content-type', ABSENT);
    headers['content-type'] = type && IS_BYTES.test(type) ? BYTES : TEXT;
    for (const name of ANSWERED_BY_SERVER) delete headers[name];
    info.acceptEncoding = 'identity';
    // The server would make the function's address and query from it.
    info.host = '';
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

/**
 * Joins the values of a header that was sent more than once by commas, as payload format 2.0 does. serverless-offline
 * would pass on the last one alone.
 */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
function joinRepeated(rawHeaders: string[]): void {
  const joined = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = String(rawHeaders[i]).toLowerCase();
    const values = [joined.get(name), rawHeaders[i + 1]].filter((value) => value !== undefined);
    joined.set(name, values.join(','));
  }
  rawHeaders.splice(0, rawHeaders.length, ...[...joined].flat());
}

type HttpEvent = { headers: Record<string, string>; requestContext: { http: object } };

/** True if the event is a request as an HTTP API sends it. */
function isHttpEvent(event: unknown): event is HttpEvent {
  return Reflect.has(Object(Object(event).requestContext), 'http');
}

/** The event with the headers and cookies as they were sent. */
function asSent(event: HttpEvent): HttpEvent & { cookies?: string[] } {
  const { 'content-type': type, ...headers } = event.headers;
  const { cookie } = headers;
  return {
    ...event,
    headers: type === undefined || type === ABSENT ? headers : { ...headers, 'content-type': type },
    cookies: cookie?.split(/; */),
  };
}
