import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';

const DEPLOYED = ['functions/**/*.ts', 'lib/**/*.ts'];

async function filesOf(...patterns: string[]): Promise<{ file: string; text: string }[]> {
  const files = await Array.fromAsync(glob(patterns, { cwd: ROOT }));
  const own = files.filter((file) => !file.includes('node_modules'));
  return Promise.all(
    own.map(async (file) => ({ file, text: await readFile(join(ROOT, file), 'utf8') })),
  );
}

async function deployedCode() {
  return (await filesOf(...DEPLOYED)).filter(({ file }) => !file.endsWith('.test.ts'));
}

/** The imports of a file, as paths from the root or names of packages. */
function importsOf({ file, text }: { file: string; text: string }): string[] {
  const names = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, name = '']) => name,
  );
  return names.map((name) => (name.startsWith('.') ? join(file, '..', name) : name));
}

test('functions import lib and no other function; lib imports neither', async () => {
  for (const source of await deployedCode()) {
    const [top, folder] = source.file.split('/');
    const own = top === 'functions' ? `functions/${folder}/` : 'lib/';
    const foreign = importsOf(source).filter(
      (name) => /^(functions|plugins|local|test|bench)\//.test(name) && !name.startsWith(own),
    );
    expect([source.file, foreign]).toEqual([source.file, []]);
  }
});

test('orders and notifications meet only in the message contract', async () => {
  const sources = await filesOf('lib/order/**/*.ts', 'lib/notification/**/*.ts');
  const crossing = sources.flatMap((source) => {
    const other = source.file.startsWith('lib/order/') ? 'lib/notification/' : 'lib/order/';
    return importsOf(source).filter((name) => name.startsWith(other));
  });
  expect(sources.length).toBeGreaterThan(10);
  expect(crossing).toEqual([]);
});

test('lib/http and lib/kafka know no domain; callers are none', async () => {
  const sources = (await deployedCode()).filter(({ file }) => /^lib\/(http|kafka)\//.test(file));
  expect(sources.length).toBeGreaterThan(10);
  for (const source of sources) {
    const own = ['lib', 'lib/identity', dirname(source.file)];
    const foreign = importsOf(source).filter(
      (name) => name.startsWith('lib/') && !own.includes(dirname(name)),
    );
    expect([source.file, foreign]).toEqual([source.file, []]);
  }
});

const SOURCES = '{functions,lib,local,infra,plugins}/**/*.ts';

test('no folder imports one that imports it, not even a type', async () => {
  const arrows = new Map<string, Set<string>>();
  const isOwn = (file: string) =>
    !file.endsWith('.test.ts') && !file.startsWith('plugins/kafka-event-source/');
  for (const source of (await filesOf(SOURCES)).filter(({ file }) => isOwn(file))) {
    const from = dirname(source.file);
    const to = importsOf(source)
      .filter((name) => /^[\w-]+\/.+\.ts$/.test(name)) // Not the configuration files at the top.
      .map((name) => dirname(name));
    arrows.set(from, new Set([...(arrows.get(from) ?? []), ...to.filter((room) => room !== from)]));
  }
  expect([...arrows.keys()]).toEqual(
    expect.arrayContaining(['lib/order', 'lib/notification/channels/senders', 'plugins/build']),
  );
  expect(circleIn(arrows)).toEqual([]);
});

test('no file only exports again what another file exports', async () => {
  const again = /^(export (type )?(\{[^}]*\}|\*( as \w+)?) from '[^']+';\s*)+$/;
  for (const { file, text } of await filesOf(SOURCES)) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm, '').trim();
    expect([file, again.test(code)]).toEqual([file, false]);
  }
});

test('a field of a class is private or read-only, so that no other class writes it', async () => {
  const writable =
    /^ {2}(?!readonly |#|static |override readonly )[a-zA-Z]\w*[?!]?(: [^=(]+)?( = .+)?;$/gm;
  for (const { file, text } of await filesOf(SOURCES)) {
    if (file.endsWith('.test.ts')) continue;
    const classes = text.match(/^(export )?(default )?class [\s\S]*?^\}$/gm) ?? [];
    const found = classes.flatMap((one) => one.match(writable) ?? []);
    expect([file, found]).toEqual([file, []]);
  }
});

/** The folders of a circle of imports, in their order; empty if there is no circle. */
function circleIn(arrows: Map<string, Set<string>>): string[] {
  const ended = new Set<string>();
  const follow = (room: string, path: string[]): string[] => {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room];
    if (ended.has(room)) return [];
    for (const next of arrows.get(room) ?? []) {
      const circle = follow(next, [...path, room]);
      if (circle.length > 0) return circle;
    }
    ended.add(room);
    return [];
  };
  return [...arrows.keys()].map((room) => follow(room, [])).find(({ length }) => length > 0) ?? [];
}

test('only lib/http knows middy, and only the configuration reads the environment', async () => {
  const sources = await deployedCode();
  const withMiddy = sources.filter((source) =>
    importsOf(source).some((name) => /middy/.test(name)),
  );
  expect(withMiddy.map(({ file }) => file).sort()).toEqual([
    'lib/http/handler.ts',
    'lib/http/json-body.ts',
    'lib/http/problems.ts',
    'lib/http/request.ts',
  ]);
  const readers = sources.filter(({ text }) => text.includes('process.env'));
  expect(readers.map(({ file }) => file)).toEqual(['lib/config.ts']);
});

test('no text has a bracketed plural', async () => {
  for (const { file, text } of await filesOf(SOURCES, '**/*.md')) {
    const found = text.match(/\w+\((s|es|ies)\)/g);
    expect([file, found]).toEqual([file, null]);
  }
});

test('a handler has no try, no JSON.parse and no SDK', async () => {
  for (const { file, text } of await filesOf('functions/*/handler.ts')) {
    expect([file, /\btry\b|JSON\.parse|@aws-sdk|kafkajs/.exec(text)]).toEqual([file, null]);
  }
});

test('nothing scans the table', async () => {
  for (const { file, text } of await deployedCode()) {
    expect([file, /Scan(Command|Input)|paginateScan/.exec(text)]).toEqual([file, null]);
  }
});

test('the lock file names no address to download from', async () => {
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const places = [...lock.matchAll(/"resolved": "([^"]*)"/g)].map(([, place]) => place);
  expect(places).toEqual(['plugins/kafka-event-source']); // The workspace, which is a folder.
  expect(await readFile(join(ROOT, '.npmrc'), 'utf8')).toContain(
    'omit-lockfile-registry-resolved=true',
  );
});

test('the lock file has the packages of every platform, which npm ci wants', async () => {
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  type Package = { optionalDependencies?: Record<string, string> };
  const places = new Set(Object.keys(packages).map((place) => place.split('node_modules/').at(-1)));
  const missing = Object.values<Package>(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !places.has(name));
  expect(missing).toEqual([]);
});
