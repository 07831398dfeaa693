import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

/** How one parameter is read and written. What does not parse is as if it were not there. */
export interface Param<T> {
  read(text: string | undefined): T;
  /** undefined leaves the parameter out, which is how a default is written. */
  write(value: T): string | undefined;
}

/** Any text; empty is left out. */
export const text: Param<string> = { read: (t) => t ?? '', write: (v) => v || undefined };

/** Text that may be missing, such as the id of what is open. */
export const id: Param<string | null> = { read: (t) => t || null, write: (v) => v ?? undefined };

export const flag: Param<boolean> = { read: (t) => t === 'true', write: (v) => (v ? 'true' : undefined) };

/** A figure, or null where there is none. */
export const figure: Param<number | null> = {
  read: (t) => (t && Number.isFinite(Number(t)) ? Number(t) : null),
  write: (v) => (v === null ? undefined : String(v)),
};

/** One of a list; the first is the default. */
export function oneOf<const T extends string>(...values: [T, ...T[]]): Param<T> {
  return {
    read: (t) => values.find((v) => v === t) ?? values[0],
    write: (v) => (v === values[0] ? undefined : v),
  };
}

/** Several texts, written with commas. */
export const list: Param<string[]> = {
  read: (t) => (t ? t.split(',').filter(Boolean) : []),
  write: (v) => (v.length ? v.join(',') : undefined),
};

export interface Sort<F extends string = string> {
  field: F;
  descending: boolean;
}

/** A field and its direction: "name", "-used". */
export function sort<const F extends string>(fields: readonly F[], first: Sort<F>): Param<Sort<F>> {
  const text = (v: Sort<F>) => (v.descending ? '-' : '') + v.field;
  return {
    read(t) {
      const field = fields.find((f) => f === t?.replace(/^-/, ''));
      return field ? { field, descending: t?.startsWith('-') ?? false } : first;
    },
    write: (v) => (text(v) === text(first) ? undefined : text(v)),
  };
}

type Values<P> = { [K in keyof P]: P[K] extends Param<infer T> ? T : never };
type Search = Record<string, string | undefined>;

export function readParams<P extends Record<string, Param<any>>>(params: P, search: Search): Values<P> {
  const out = {} as Values<P>;
  for (const name in params) out[name] = params[name]!.read(search[name]);
  return out;
}

/** The search with some values changed; every other parameter stays as it is. */
export function writeParams<P extends Record<string, Param<any>>>(params: P, search: Search, change: Partial<Values<P>>): Search {
  const out = { ...search };
  for (const name in change) {
    const written = params[name]!.write(change[name] as never);
    if (written === undefined) delete out[name];
    else out[name] = written;
  }
  return out;
}

/**
 * The page's state in its address. Declare the parameters outside the component. Setting replaces the entry of the history, so
 * that Back leaves the page; with `push` Back undoes the change, which is right for what opens and closes.
 */
export function useUrlState<P extends Record<string, Param<any>>>(params: P): [Values<P>, (change: Partial<Values<P>>, options?: { push?: boolean }) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const values = useMemo(() => readParams(params, search), [params, search]);
  const set = useCallback(
    (change: Partial<Values<P>>, options?: { push?: boolean }) => {
      void navigate({ to: '.', search: ((now: Search) => writeParams(params, now, change)) as never, replace: !options?.push, resetScroll: false });
    },
    [navigate, params],
  );
  return [values, set];
}

/** The router keeps every parameter as the text that it is. */
export function parseSearch(query: string): Search {
  return Object.fromEntries(new URLSearchParams(query));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) if (value !== undefined && value !== null && value !== '') out.set(name, String(value));
  const query = out.toString();
  return query ? `?${query}` : '';
}
