/** The answers of `/api` for all views, and the news that make the views read anew. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, call } from './api.ts';

const KINDS = ['mapping', 'record', 'invocation', 'trace', 'fault'] as const;
export type Kind = (typeof KINDS)[number];

/** The import that this page shows in place of the service's own memory. */
export const imported = new URLSearchParams(location.search).get('imported') ?? undefined;

/** A view reads anew at most this often. */
const AGAIN_MS = 1_000;
const RECONNECT_MS = 2_000;

export interface Live {
  readonly isConnected: boolean;
  /** Rises with each message of a kind, and of all kinds with each connection. */
  readonly news: Readonly<Record<Kind, number>>;
}

const NONE: Live['news'] = { mapping: 0, record: 0, invocation: 0, trace: 0, fault: 0 };

export const LiveContext = createContext<Live>({ isConnected: true, news: NONE });

/** Follows the server's events while the page is seen: a browser has few connections for all its tabs. */
export function useLive(isOpen: boolean, refused: () => void): Live {
  const [live, setLive] = useState<Live>({ isConnected: true, news: NONE });
  useEffect(() => {
    if (!isOpen) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = undefined;
    };
    const open = () => {
      close();
      source = new EventSource('/api/events');
      source.onopen = () => {
        // No message tells what happened before this connection, so each view reads anew.
        setLive(({ news }) => ({ isConnected: true, news: mapNews(news, KINDS) }));
      };
      source.onerror = () => {
        setLive(({ news }) => ({ isConnected: false, news }));
        // The browser itself does not try again after an answer that is no stream, such as 401.
        close();
        timer = setTimeout(open, RECONNECT_MS);
        // An EventSource does not tell a server that is away from one with another token.
        call('/api/faults').catch(
          (error) => error instanceof ApiError && error.status === 401 && refused(),
        );
      };
      for (const kind of KINDS) {
        source.addEventListener(kind, () =>
          setLive(({ isConnected, news }) => ({ isConnected, news: mapNews(news, [kind]) })),
        );
      }
    };
    const follow = () => {
      if (document.visibilityState !== 'visible') close();
      else if (!source) open();
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      close();
    };
  }, [isOpen]);
  return live;
}

function mapNews(news: Live['news'], kinds: readonly Kind[]): Live['news'] {
  return { ...news, ...Object.fromEntries(kinds.map((kind) => [kind, news[kind] + 1])) };
}

/** The path, with the name of the import where the memory is asked. */
function ofMemory(path: string): string {
  if (imported === undefined || !/^\/api\/(records|invocations|traces)\b/.test(path)) return path;
  return `${path}${path.includes('?') ? '&' : '?'}imported=${encodeURIComponent(imported)}`;
}

export interface Data<T> {
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  /** Reads it again now. */
  reload(): void;
}

/**
 * Reads a path of `/api`, and again when there is news of these kinds.
 *
 * @param path undefined for nothing to read
 * @param everyMs reads it also without news, after this time
 */
export function useData<T>(
  path: string | undefined,
  kinds: readonly Kind[] = [],
  everyMs?: number,
): Data<T> {
  const { news } = useContext(LiveContext);
  const [state, setState] = useState<{ path?: string; value?: T; error?: ApiError }>({});
  const plan = useRef<(isNow?: boolean) => void>(() => undefined);
  const signature = kinds.map((kind) => news[kind]).join();
  useEffect(() => {
    if (path === undefined) return;
    const stopped = new AbortController();
    const { signal } = stopped;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let [isReading, isWanted, readAt] = [false, false, 0];
    const read = async () => {
      isReading = true;
      readAt = Date.now();
      try {
        const value = await call<T>(ofMemory(path), { signal });
        if (!signal.aborted) setState({ path, value });
      } catch (error) {
        if (signal.aborted) return;
        const found = error instanceof ApiError ? error : new ApiError(0, String(error));
        // The earlier answer stays in sight while the server is away.
        setState((before) => ({
          path,
          ...(before.path === path && before.value !== undefined && { value: before.value }),
          error: found,
        }));
      } finally {
        isReading = false;
        if (isWanted && !signal.aborted) plan.current();
        isWanted = false;
      }
    };
    plan.current = (isNow = false) => {
      // News during an answer must not begin it anew for ever.
      if (isReading) isWanted = true;
      else {
        clearTimeout(timer);
        timer = setTimeout(read, isNow ? 0 : Math.max(0, readAt + AGAIN_MS - Date.now()));
      }
    };
    plan.current(true);
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [path]);
  useEffect(() => plan.current(), [signature]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => plan.current(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const reload = useCallback(() => plan.current(true), []);
  const isOwn = state.path === path;
  return {
    value: isOwn ? state.value : undefined,
    error: isOwn ? state.error : undefined,
    isLoading: path !== undefined && !isOwn,
    reload,
  };
}
