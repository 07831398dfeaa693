import { useEffect, useState } from 'react';
import { Problem } from './problem';
import type { Tagged } from './tagged';

type Same<F> = (a: F[keyof F], b: F[keyof F], field: keyof F) => boolean;

/**
 * A form over a record that others may change meanwhile. While nothing is typed it follows what is read. When a change is refused because
 * somebody else was faster, it has what they set and, over it, what was typed here, and the next attempt names their version.
 */
export function useEdit<T, F extends object>(tagged: Tagged<T>, reload: () => Promise<Tagged<T> | undefined>, formOf: (data: T) => F, same: Same<F> = Object.is) {
  const [base, setBase] = useState(tagged);
  const [form, setForm] = useState(() => formOf(tagged.data));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const was = formOf(base.data);
  const changed = (Object.keys(form) as (keyof F)[]).filter((f) => !same(form[f], was[f], f));
  const typed = Object.fromEntries(changed.map((f) => [f, form[f]])) as Partial<F>;
  /** Goes on from what a change was answered with. What is typed and was not part of it is kept by saying so. */
  const take = (fresh: Tagged<T>, kept: Partial<F> = {}) => {
    setBase(fresh);
    setForm({ ...formOf(fresh.data), ...kept });
  };
  useEffect(() => {
    if (changed.length === 0 && tagged !== base) take(tagged);
    // eslint-disable-next-line -- follows what was read only while nothing is typed
  }, [tagged]);
  /** Does something that may be refused, and keeps with what. */
  const attempt = async (act: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (e) {
      const now = e instanceof Problem && e.conflicts ? await reload() : undefined;
      if (now) take(now, typed);
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return { base, form, setForm, changed, typed, busy, error, setError, take, attempt };
}
