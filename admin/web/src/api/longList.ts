import { useQueries, useQuery, useQueryClient, type QueryKey, type UseQueryOptions } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

interface PageOf<T> {
  data: T[];
  next_cursor?: string | null;
  total?: number | null;
}

/** A list of any length, of which only what is looked at is in memory. */
export interface LongList<T> {
  /** Names the list: another filter or order is another list. */
  name: string;
  /** How many rows can be scrolled to now; it grows as one comes near its end. */
  count: number;
  /** How many there are, where the server tells. */
  total: number | null;
  /** undefined: not there yet. */
  rowAt: (index: number) => T | undefined;
  /** How many rows were read so far. */
  read: number;
  /** Those of them that are still kept. */
  loaded: () => T[];
  /** Says which rows are looked at; those and the ones after them are asked for. */
  look: (first: number, last: number) => void;
  /** The rows are still those of the list before. */
  stale: boolean;
  loading: boolean;
  error: unknown;
  retry: () => void;
  /** What the table keeps of the list while another page is shown, such as how tall the rows were. */
  kept: { read: () => unknown; write: (value: unknown) => void };
}

/** How many pages are read ahead of the one that is looked at, and of the last that is known: who is there wants to go on. */
const ahead = { within: 1, atEnd: 8 };

/**
 * Reads a list that the server cuts by cursor as one. What each page begins with is remembered, so that a page that was let go of
 * is asked for again when one scrolls back, and so that Back finds the place. `page` gives the query of one page of `size` rows.
 */
export function useLongList<T>(name: QueryKey, size: number, page: (cursor: string | null) => unknown): LongList<T> {
  type Options = UseQueryOptions<PageOf<T>, Error, PageOf<T>, QueryKey>;
  const queries = useQueryClient();
  const id = JSON.stringify(name);
  const chainKey = useMemo(() => ['long list', id], [id]);
  const keptKey = useMemo(() => ['long list', id, 'kept'], [id]);
  const chain = useQuery<(string | null)[]>({ queryKey: chainKey, queryFn: () => [null], initialData: [null], staleTime: Infinity }).data;
  const optionsOf = useCallback((cursor: string | null) => page(cursor) as Options, [page]);

  const [seen, setSeen] = useState({ id, first: 0, last: 0, until: ahead.within });
  const first = seen.id === id ? Math.min(seen.first, chain.length - 1) : 0;
  const last = Math.min(seen.id === id ? seen.until : ahead.within, chain.length - 1);
  const cursors = chain.slice(first, last + 1);
  const answers = useQueries({ queries: cursors.map(optionsOf) });

  useEffect(() => {
    let next = chain;
    answers.forEach(({ data }, i) => {
      const at = first + i + 1;
      if (!data || (next[at] ?? null) === (data.next_cursor ?? null)) return;
      next = data.next_cursor ? [...next.slice(0, at), data.next_cursor, ...next.slice(at + 1)] : next.slice(0, at);
    });
    if (next !== chain) queries.setQueryData(chainKey, next);
  });

  const read = (n: number) => (n < chain.length ? queries.getQueryData<PageOf<T>>(optionsOf(chain[n]!).queryKey) : undefined);
  const before = useRef<{ rows: T[]; total: number | null }>({ rows: [], total: null });
  const top = read(0);
  const stale = !read(first) && first === 0 && before.current.rows.length > 0;
  if (top) before.current = { rows: top.data, total: top.total ?? null };

  const end = read(chain.length - 1);
  const total = top?.total ?? before.current.total;
  const whole = (chain.length - 1) * size;
  const count = stale ? before.current.rows.length : whole + (end ? end.data.length : chain.length === 1 ? 0 : Math.max(1, Math.min(size, (total ?? Infinity) - whole)));
  const failed = answers.find((a) => a.error && !a.data);

  return {
    name: id,
    count,
    total,
    rowAt: (index) => (stale ? before.current.rows[index] : read(Math.floor(index / size))?.data[index % size]),
    read: stale ? 0 : whole + (end?.data.length ?? 0),
    loaded: () => chain.flatMap((_, n) => read(n)?.data ?? []),
    look: (a, b) => {
      const [from, to] = [Math.floor(a / size), Math.floor(b / size)];
      setSeen((s) => {
        // What is read meanwhile moves the end away; it is read on all the same, unless one goes back.
        const before = s.id === id && to >= s.last - 1 ? s.until : 0;
        const end = to > 0 && to >= Math.floor((count - 1) / size);
        const until = Math.max(before, to + (end ? ahead.atEnd : ahead.within));
        return s.id === id && s.first === from && s.last === to && s.until === until ? s : { id, first: from, last: to, until };
      });
    },
    stale,
    loading: answers.some((a) => a.isFetching),
    error: failed?.error ?? null,
    kept: { read: () => queries.getQueryData(keptKey), write: (value) => void queries.setQueryData(keptKey, value) },
    retry: () => answers.forEach((a) => void (a.error && a.refetch())),
  };
}
