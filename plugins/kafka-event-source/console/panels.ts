/** The service's own panels: loads their modules, and answers `/api/panels`. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { RequestError } from '../control/request.ts';
import type { Answer, Route } from '../control/server.ts';
import { messageOf } from '../log.ts';
import type { Options } from '../options.ts';
import { refusalOf } from '../refusal.ts';
import { errorAnswer, json } from './answers.ts';
import {
  type CreatePanel,
  describedSchema,
  type Panel,
  type PanelContext,
  type PanelQuery,
  panelSchema,
  viewSchema,
} from './panel.ts';

/** A longer value is no id, and a panel need not think of it. */
const MAX_VALUE = 1_000;
const PATH = /^\/api\/panels(?:\/([\w-]+)(\/frame)?)?$/;

/**
 * A frame's document may have styles of its own, which the page may not; it can neither run a script,
 * load anything, nor lead its reader elsewhere.
 */
const FRAME_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'self'; sandbox",
  'x-frame-options': 'SAMEORIGIN',
};

/** Loads the panels of the settings. One that cannot be loaded is left out, and a warning says why. */
export async function loadPanels(
  wanted: Options['console']['panels'],
  context: Omit<PanelContext, 'settings'>,
  warn: (message: string) => void,
): Promise<ReadonlyMap<string, Panel>> {
  const panels = new Map<string, Panel>();
  for (const { module, settings } of wanted) {
    try {
      const panel = await loadPanel(resolve(context.folder, module), { ...context, settings });
      if (panels.has(panel.name)) throw new Error(`the name ${panel.name} is taken`);
      panels.set(panel.name, panel);
    } catch (error) {
      warn(`Kafka event source: the page has no panel of ${module}: ${messageOf(error)}`);
    }
  }
  return panels;
}

async function loadPanel(file: string, context: PanelContext): Promise<Panel> {
  const { createPanel } = (await import(pathToFileURL(file).href)) as { createPanel?: CreatePanel };
  if (typeof createPanel !== 'function') throw new Error('it exports no function "createPanel"');
  const panel = await createPanel(context);
  const { error } = panelSchema.safeParse(panel, { error: refusalOf });
  if (error) throw new Error(z.prettifyError(error));
  return panel;
}

/** Answers which panels there are, a panel's view, and the documents of its frames. */
export function panelsRoute(loading: Promise<ReadonlyMap<string, Panel>>): Route {
  return async ({ method, path, query }) => {
    const [isOurs, name, frame] = PATH.exec(path) ?? [];
    if (!isOurs || method !== 'GET') return undefined;
    const panels = await loading;
    if (name === undefined) {
      return json([...panels.values()].map((panel) => describedSchema.parse(panel)));
    }
    try {
      const panel = panels.get(name);
      if (!panel) throw new RequestError(404, 'NotFound', `There is no panel "${name}".`);
      const given = Object.fromEntries(query);
      return frame ? await frameOf(panel, given) : await viewOf(panel, given);
    } catch (error) {
      return errorAnswer(error);
    }
  };
}

async function viewOf(panel: Panel, query: PanelQuery): Promise<Answer> {
  const { inputs } = describedSchema.parse(panel);
  for (const [name, value] of Object.entries(query)) {
    if (!inputs.some((input) => input.name === name)) {
      throw new RequestError(400, 'BadRequest', `The panel has no input "${name}".`);
    }
    checkLength(name, value);
  }
  const view = await asked(panel, () => panel.read(query));
  const { success, data, error } = viewSchema.safeParse(view, { error: refusalOf });
  if (success) return json(data);
  throw failed(panel, `its view is not as it must be: ${z.prettifyError(error)}`);
}

async function frameOf(panel: Panel, query: PanelQuery): Promise<Answer> {
  for (const [name, value] of Object.entries(query)) checkLength(name, value);
  const html = await asked(panel, () => panel.frame?.(query));
  if (typeof html !== 'string') {
    throw new RequestError(404, 'NotFound', `The panel "${panel.name}" has no such preview.`);
  }
  return { status: 200, headers: FRAME_HEADERS, body: Buffer.from(html) };
}

function checkLength(name: string, value: string): void {
  if (value.length <= MAX_VALUE) return;
  throw new RequestError(400, 'BadRequest', `${name}: may have ${MAX_VALUE} characters at most.`);
}

/** @throws RequestError with the message of the panel's error */
async function asked<T>(panel: Panel, call: () => Promise<T> | T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failed(panel, messageOf(error));
  }
}

function failed({ name }: Panel, why: string): RequestError {
  return new RequestError(500, 'PanelFailed', `The panel "${name}" has failed: ${why}`);
}
