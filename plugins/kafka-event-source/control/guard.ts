/** Decides which requests the server at the plugin's address takes: from where, and with which right. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { words } from '../words.ts';
import type { Answer } from './server.ts';

export interface Access {
  /** Opens the page and `/api`. */
  readonly token: string;
  /** Names of this machine, besides those of loopback, under which the server may be called. */
  readonly names: readonly string[];
  /** Whether `/api` takes changes. */
  readonly allowChanges: boolean;
  /** Whether other machines can reach the server. Then `allowChanges` holds for AWS's API, too. */
  readonly isShared: boolean;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** OTLP's own path, under which its exporters send traces. */
export const TRACES_PATH = '/v1/traces';

/** The routes of these paths ask for the token themselves if other machines can reach the server. */
const OWN_RULES: readonly string[] = ['/mcp', TRACES_PATH];

/** A web page can make a browser send these for itself; a form's answer is seen by its user alone. */
const READS: readonly string[] = ['GET', 'HEAD'];

/** Each answer has these, so that no other origin frames or reads it, and no browser guesses its type. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address);

/** 128 random bits. */
export const newToken = (): string => randomBytes(16).toString('base64url');

/** An access with a new token, unless one is given. */
export function newAccess(changes: Partial<Access> = {}): Access {
  return { token: newToken(), names: [], allowChanges: true, isShared: false, ...changes };
}

/** The refusal of a request; undefined for one that its route may answer. */
export function refusalOf(asked: Asked, access: Access): Answer | undefined {
  const { host, origin } = asked.headers;
  // A name of another site that resolves to this machine would make that site's pages this server's own.
  if (!host || !isOwnName(host, access)) {
    return refused(
      403,
      'HostRefused',
      `This server answers under localhost and the machine's addresses, not under ${quoted(host)}. ` +
        `Open it as http://localhost, or add the name to ${words().setting('console.names')}.`,
    );
  }
  if (isForeign(asked, host)) {
    return refused(
      403,
      'OriginRefused',
      `A page of ${quoted(origin ?? 'another site')} may not call this server. ` +
        'Only its own page, and programs that send no Origin, may.',
    );
  }
  const isApi = asked.path.startsWith('/api/');
  if (isApi && !hasToken(asked, access)) {
    return refused(
      401,
      'TokenMissing',
      'This needs the token of the address that the start has printed: open that address, or send ' +
        'the token as "authorization: Bearer <token>".',
    );
  }
  const isDryRun = isApi && asked.query.get('dryRun') === 'true';
  const isChange = !READS.includes(asked.method) && !isDryRun;
  // AWS's SDKs send no token.
  const isGuarded = isApi || (access.isShared && !OWN_RULES.includes(asked.path));
  if (isChange && isGuarded && !access.allowChanges) {
    return refused(
      403,
      'ChangesNotAllowed',
      `Changes are switched off. Set ${words().setting('console.allowChanges')} to true, and start again.`,
    );
  }
  return undefined;
}

/** The cookie that keeps the token for the page. Its name is the token's own: cookies know no ports. */
export function cookieOf({ token }: Access): string {
  // Strict, so that no other site's request carries it; HttpOnly, so that no script reads it.
  return `${cookieName(token)}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000`;
}

export function isToken(given: string, { token }: Access): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether a request has the token, as a header of its own or as the page's cookie. */
export function hasToken({ headers }: Pick<Asked, 'headers'>, access: Access): boolean {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return isToken(bearer, access);
  const name = `${cookieName(access.token)}=`;
  const cookies = (headers.cookie ?? '').split(/; */);
  return cookies.some((one) => one.startsWith(name) && isToken(one.slice(name.length), access));
}

/** An address cannot be made to mean another machine, as a name can. */
function isOwnName(host: string, { names }: Access): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host) ?? [];
  const name = (bracketed ?? plain ?? '').toLowerCase();
  return (
    isIP(name) > 0 ||
    /^(.+\.)?localhost$/.test(name) ||
    // Docker's name, inside a container, for the machine around it.
    name === 'host.docker.internal' ||
    names.some((own) => own.toLowerCase() === name)
  );
}

/** Whether a page of another origin has caused the request. Programs send neither of these headers. */
function isForeign({ method, headers }: Asked, host: string): boolean {
  const { origin } = headers;
  if (origin !== undefined) return origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // Somebody follows a link to this server.
  const isLink =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(isLink && READS.includes(method));
}

/** A refusal for clients of AWS's API and of `/api`. */
export function refused(status: number, code: string, message: string): Answer {
  // Both shapes: AWS's SDKs read `message`, and the clients of `/api` read `error`.
  return {
    status,
    headers: { 'x-amzn-errortype': code },
    body: { message, error: { code, message } },
  };
}

const quoted = (text = '') => JSON.stringify(text.slice(0, 200));
const digest = (text: string) => createHash('sha256').update(text).digest();
const cookieName = (token: string) => `kafka-event-source-${digest(token).toString('hex', 0, 4)}`;
