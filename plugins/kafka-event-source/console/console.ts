/** The page at the plugin's address, and the JSON that it reads under `/api`. */
import type { Access } from '../control/guard.ts';
import { RequestError } from '../control/request.ts';
import type { Runtime } from '../control/runtime.ts';
import type { Answer, Request, Route } from '../control/server.ts';
import type { Loaded } from '../definition.ts';
import type { Imports } from '../recorder/imports.ts';
import type { Recorder } from '../recorder/types.ts';
import { errorAnswer, json } from './answers.ts';
import { pageRoute } from './assets.ts';
import { Events } from './events.ts';
import { Mappings } from './mappings.ts';
import { loadPanels, panelsRoute } from './panels.ts';
import { type Memories, readRecorded } from './reading.ts';

export interface ConsoleOptions {
  readonly access: Access;
  readonly runtime: Runtime;
  /** The service as it was read last. */
  readonly loaded: () => Loaded;
  /** Undefined if the settings turn it off. */
  readonly recorder: Recorder | undefined;
  /** The memories of other machines. */
  readonly imports: Imports;
  readonly debug: (message: string) => void;
  readonly warn: (message: string) => void;
}

export interface Console {
  readonly routes: readonly Route[];
  /** Tells the connected pages what has happened. */
  readonly events: Events;
  stop(): void;
}

/** Answers to the GET requests of a path below `/api`. */
type Reading = (request: Request) => Promise<Answer> | Answer;

/** Makes the routes of the page, and those of the JSON that it reads. */
export function createConsole({
  access,
  runtime,
  loaded,
  recorder,
  imports,
  debug,
  warn,
}: ConsoleOptions): Console {
  const definitions = () => loaded().definitions.definitions;
  const hide: Recorder['hide'] = async (mapping, texts) =>
    recorder ? recorder.hide(mapping, texts) : texts;
  const mappings = new Mappings(runtime, definitions, debug, hide);
  let last = '';
  const events = new Events(() => {
    const summary = mappings.summary();
    const text = JSON.stringify(summary);
    if (text !== last) events.publish('mapping', summary);
    last = text;
  });
  const unlisten = recorder?.onChange(({ records, invocations, more, traces }) => {
    const tell = (kind: 'record' | 'invocation', changed: readonly unknown[], others: number) => {
      const latest = changed.at(-1);
      if (latest) events.publish(kind, latest, changed.length + others);
    };
    tell('record', records, more.records);
    tell('invocation', invocations, more.invocations);
    const traceId = traces.at(-1);
    if (traceId !== undefined) events.publish('trace', { traceId }, traces.length);
  });
  const { options, service: own } = loaded();
  const { service, stage, region, folder } = own;
  const about = { service, stage, region, folder, recorder };
  const panels = loadPanels(options.console.panels, about, warn);
  const readings: Readonly<Record<string, Reading>> = {
    '/api/events': () => events.connect(),
    '/api/mappings': async () => {
      const { service, stage } = loaded().service;
      const { allowChanges } = access;
      return json({
        service,
        stage,
        allowChanges,
        isRecorded: recorder !== undefined && recorder.problem === undefined,
        mappings: await mappings.list(),
      });
    },
  };
  return {
    events,
    routes: [pageRoute(access), panelsRoute(panels), readingRoute(readings, { recorder, imports })],
    stop() {
      unlisten?.();
      mappings.stop();
      events.stop();
    },
  };
}

function readingRoute(readings: Readonly<Record<string, Reading>>, memories: Memories): Route {
  return async (request) => {
    if (request.method !== 'GET') return undefined;
    const reading = Object.hasOwn(readings, request.path) ? readings[request.path] : undefined;
    try {
      if (reading) return await reading(request);
      const found = await readRecorded(request, memories);
      return found === undefined ? undefined : json(found);
    } catch (error) {
      return errorAnswer(error);
    }
  };
}

/** The last route of `/api`. */
export const unknownRoute: Route = ({ method, path }) => {
  if (!path.startsWith('/api/')) return undefined;
  return errorAnswer(
    new RequestError(
      404,
      'NotFound',
      `There is no ${method} ${path}. The package's docs/actions.md lists the actions.`,
    ),
  );
};
