import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { handlerComments } from '../../local/handlers.ts';
import { operationOf } from '../support/operation.ts';
import { functionsInYml, ROOT } from '../support/root.ts';

/** They take no input that could be refused. */
const WITHOUT_REFUSAL = ['health', 'relayOutbox', 'sendDeferred'];

/** For functions with two operations: the operation with another name, and its function. */
const FUNCTION_OF: Record<string, string> = { openapi: 'docs', showUnsubscribe: 'unsubscribe' };

const functions = Object.entries(functionsInYml());
const samples = await readdir(join(ROOT, 'events'));
const comments = handlerComments();

test('every folder of functions/ is a function, and every function has its folder', async () => {
  const folders = await readdir(join(ROOT, 'functions'));
  expect(folders.toSorted()).toEqual(functions.map(([name]) => name).toSorted());
});

test.each(functions)(
  '%s has its handler, its samples and its comment',
  async (name, { handler }) => {
    expect(handler).toBe(`dist/${name}/handler.handler`);
    expect(existsSync(join(ROOT, 'functions', name, 'handler.ts'))).toBe(true);

    expect(samples).toContain(`${name}.json`);
    const refused = samples.filter(
      (sample) => sample.startsWith(`${name}.`) && sample !== `${name}.json`,
    );
    const wanted = `events/${name}.<case>.json, a sample that is refused`;
    const isMissing = refused.length === 0 && !WITHOUT_REFUSAL.includes(name);
    expect(isMissing ? wanted : undefined).toBeUndefined();

    expect(comments.map((comment) => comment.name)).toContain(name);
  },
);

test('the comment of a handler names its routes as serverless.yml does', () => {
  const routes = functions.map(([name, { events }]) => [
    name,
    events.flatMap(({ httpApi }) => (httpApi && httpApi !== '*' ? [`\`${httpApi}\``] : [])),
  ]);
  const said = comments.map(({ name, fields }) => [
    name,
    fields.Trigger.match(/`[A-Z]+ [^`]+`/g) ?? [],
  ]);
  expect(said).toEqual(routes);
});

test.each(samples.map((sample) => [sample]))(
  'the sample %s is named after a function',
  async (sample) => {
    const [name = ''] = sample.split('.');
    expect(functions.map(([known]) => known)).toContain(name);
    JSON.parse(await readFile(join(ROOT, 'events', sample), 'utf8'));
  },
);

test('the routes of serverless.yml are those of the code, each under the function of its operation', () => {
  const inYml = functions.flatMap(([name, { events }]) =>
    events.flatMap(({ httpApi }) => (httpApi && httpApi !== '*' ? [[httpApi, name]] : [])),
  );
  const inCode = Object.entries(OPERATIONS).map(([route, { id }]) => [
    route,
    FUNCTION_OF[id] ?? id,
  ]);
  expect(inYml.toSorted()).toEqual(inCode.toSorted());
});

test.each(Object.entries(FUNCTION_OF))(
  '%s takes the input of %s: one handler checks both',
  (id, name) => {
    expect(operationOf(id).input).toEqual(operationOf(name).input);
  },
);
