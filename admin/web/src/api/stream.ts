import { useEffect, useRef, useState } from 'react';

export interface StreamState {
  /** Events arrive, or would. */
  live: boolean;
  /** When the last event or the connection came, for "as of 3 s ago". */
  at: Date | null;
}

/** What one kind of event does to the page. */
export type Handlers = Record<string, (data: unknown) => void>;

/** Waits longer after each failure: 1 s, 2 s, 4 s … 30 s. */
export function backoff(failures: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(failures, 5));
}

/**
 * Listens to an event stream while the page is shown. The browser resumes a broken connection by itself; one that was refused is
 * tried again ever more slowly, and the page works on without it.
 */
export function useStream(url: string | null, handlers: Handlers): StreamState {
  const [state, setState] = useState<StreamState>({ live: false, at: null });
  const latest = useRef(handlers);
  latest.current = handlers;
  const names = Object.keys(handlers).sort().join(' ');
  useEffect(() => {
    if (!url || typeof EventSource === 'undefined') return;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const heard = () => setState({ live: true, at: new Date() });
    const open = () => {
      source = new EventSource(url);
      source.onopen = () => {
        failures = 0;
        heard();
      };
      source.onerror = () => {
        setState((s) => ({ ...s, live: false }));
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, backoff(failures++));
      };
      for (const name of names.split(' ').filter(Boolean)) {
        source.addEventListener(name, (event) => {
          heard();
          let data: unknown = null;
          try {
            data = JSON.parse((event as MessageEvent<string>).data);
          } catch {
            // An event without data is news enough.
          }
          latest.current[name]?.(data);
        });
      }
    };
    open();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [url, names]);
  return state;
}
