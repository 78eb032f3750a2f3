/** The page at the plugin's address, and the JSON that it reads under `/api`. */
import type { Access } from '../control/guard.ts';
import type { Runtime } from '../control/runtime.ts';
import type { Answer, Request, Route } from '../control/server.ts';
import type { Loaded } from '../definition.ts';
import { errorAnswer, json, RequestError } from './answers.ts';
import { pageRoute } from './assets.ts';
import { Events } from './events.ts';
import { Mappings } from './mappings.ts';

export interface ConsoleOptions {
  readonly access: Access;
  readonly runtime: Runtime;
  /** The service as it was read last. */
  readonly loaded: () => Loaded;
  readonly debug: (message: string) => void;
}

export interface Console {
  readonly routes: readonly Route[];
  /** Tells the connected pages what has happened. */
  readonly events: Events;
  stop(): void;
}

/** Answers to the GET requests of a path below `/api`. */
type Reading = (request: Request) => Promise<Answer> | Answer;

/** Makes the routes of the page, and of what it reads. */
export function createConsole({ access, runtime, loaded, debug }: ConsoleOptions): Console {
  const definitions = () => loaded().definitions.definitions;
  const mappings = new Mappings(runtime, definitions, debug);
  let last = '';
  const events = new Events(() => {
    const summary = mappings.summary();
    const text = JSON.stringify(summary);
    if (text !== last) events.publish('mapping', summary);
    last = text;
  });
  const readings: Readonly<Record<string, Reading>> = {
    '/api/events': () => events.connect(),
    '/api/mappings': async () => {
      const { service, stage } = loaded().service;
      const { allowChanges } = access;
      return json({
        service,
        stage,
        allowChanges,
        isRecorded: false,
        mappings: await mappings.list(),
      });
    },
  };
  return {
    events,
    routes: [pageRoute(access), readingRoute(readings)],
    stop() {
      mappings.stop();
      events.stop();
    },
  };
}

function readingRoute(readings: Readonly<Record<string, Reading>>): Route {
  return async (request) => {
    const reading = Object.hasOwn(readings, request.path) ? readings[request.path] : undefined;
    if (!reading || request.method !== 'GET') return undefined;
    try {
      return await reading(request);
    } catch (error) {
      return errorAnswer(error);
    }
  };
}

/** The last route of `/api`. */
export const unknownRoute: Route = ({ method, path }) => {
  if (!path.startsWith('/api/')) return undefined;
  return errorAnswer(
    new RequestError(404, 'NotFound', `There is no ${method} ${path}. The README lists the paths.`),
  );
};
