/** The page's files: bundled by build.ts in the package, and at the first request in a checkout. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Access, cookieOf, isToken } from '../control/guard.ts';
import type { Answer, Route } from '../control/server.ts';
import { bundle } from './bundle.ts';

const TYPES: Readonly<Record<string, string>> = {
  'page.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.svg': 'image/svg+xml',
};

type Files = ReadonlyMap<string, Uint8Array>;

/** Read once by a process, which may run several emulators. */
let files: Promise<Files> | undefined;

/**
 * Serves the page. The address with the token leaves the token in a cookie, and leads to the address
 * without it, so that neither the history nor a screenshot has the token.
 */
export function pageRoute(access: Access): Route {
  return async ({ method, path, query }) => {
    const name = path === '/' ? 'page.html' : path.slice(1);
    const type = TYPES[name];
    if (!type || (method !== 'GET' && method !== 'HEAD')) return undefined;
    const token = query.get('token');
    if (path === '/' && token !== null) return entered(token, access);
    // A build that failed is tried again, so that a mended source needs no new start.
    files ??= readFiles().catch((error: unknown) => {
      files = undefined;
      throw error;
    });
    const body = Buffer.from((await files).get(name) ?? []);
    return { status: 200, headers: { 'content-type': type, 'cache-control': 'no-cache' }, body };
  };
}

function entered(token: string, access: Access): Answer {
  const location = { location: '/' };
  const headers = isToken(token, access)
    ? { ...location, 'set-cookie': cookieOf(access) }
    : location;
  return { status: 303, headers, body: '' };
}

async function readFiles(): Promise<Files> {
  const beside = (name: string) => join(import.meta.dirname, name);
  const names = Object.keys(TYPES);
  if (existsSync(beside('page.js'))) {
    return new Map(names.map((name) => [name, readFileSync(beside(name))]));
  }
  const { outputFiles = [] } = await bundle({ write: false, outdir: beside('page') });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
}
