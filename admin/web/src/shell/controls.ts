import { useSession } from '../api/session';
import { windowName, type Window } from '../format';
import { oneOf, useUrlState, type Param } from '../url/state';

/** What part of the organisation is looked at. */
export type ScopeValue = { level: 'organization' } | { level: 'department' | 'team'; id: string };

const scopeParam: Param<ScopeValue> = {
  read(t) {
    const [level, id] = t?.split(':') ?? [];
    return (level === 'department' || level === 'team') && id ? { level, id } : { level: 'organization' };
  },
  write: (v) => (v.level === 'organization' ? undefined : `${v.level}:${v.id}`),
};

/** Which window is looked at: the one that runs, or the one before. */
const periodParam = oneOf('current', 'previous');

const params = { scope: scopeParam, period: periodParam };

export function useScope(): [ScopeValue, (scope: ScopeValue) => void] {
  const [{ scope }, set] = useUrlState(params);
  return [scope, (v) => set({ scope: v }, { push: true })];
}

/** The scope as the API's parameters: `{team: …}`, `{department: …}` or nothing. */
export function scopeQuery(scope: ScopeValue): { team?: string; department?: string } {
  return scope.level === 'organization' ? {} : { [scope.level]: scope.id };
}

export interface PeriodValue extends Window {
  /** What the API calls it in `window`. */
  window: 'current' | 'previous';
  name: string;
}

/** The window that the pages show, from the address; `all` are those that can be chosen. */
export function usePeriod(): { period: PeriodValue; choose: (window: PeriodValue['window']) => void; all: PeriodValue[] } {
  const session = useSession();
  const [{ period }, set] = useUrlState(params);
  const all = windows(session.window);
  return { period: all.find((w) => w.window === period) ?? all[0]!, choose: (window) => set({ period: window }, { push: true }), all };
}

/** The running window and the one before it. */
export function windows(w: Window): PeriodValue[] {
  const current: PeriodValue = { ...w, window: 'current', name: windowName(w) };
  if (!w.end) return [current];
  const last = { ...w, start: before(w), end: w.start };
  return [current, { ...last, window: 'previous', name: windowName(last) }];
}

/** The start of the window before: a month, a quarter or a year steps by calendar months in its zone, any other by its days. */
function before(w: Window): string {
  const start = new Date(w.start);
  const days = Math.round((new Date(w.end!).getTime() - start.getTime()) / 86_400_000);
  const months = days >= 360 ? 12 : days >= 88 ? 3 : days >= 28 ? 1 : 0;
  const p = parts(start, w.zone);
  return inZone(w.zone, months ? { ...p, m: p.m - months } : { ...p, d: p.d - days }).toISOString();
}

interface Local {
  y: number;
  m: number;
  d: number;
  h: number;
}

function parts(at: Date, zone: string): Local {
  const p = new Intl.DateTimeFormat('en', { timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', hourCycle: 'h23' }).formatToParts(at);
  const of = (type: string) => Number(p.find((x) => x.type === type)?.value);
  return { y: of('year'), m: of('month'), d: of('day'), h: of('hour') };
}

/** The instant of a local time in a zone, daylight saving included. */
function inZone(zone: string, local: Local): Date {
  const wanted = Date.UTC(local.y, local.m - 1, local.d, local.h);
  let at = wanted;
  for (let i = 0; i < 3; i++) {
    const p = parts(new Date(at), zone);
    const off = wanted - Date.UTC(p.y, p.m - 1, p.d, p.h);
    if (off === 0) break;
    at += off;
  }
  return new Date(at);
}
