import type { components } from '@/api';
import { date, dayMonth, duration, number, percent, type Figure } from '@/format';

type Overview = components['schemas']['Overview'];
type Pace = components['schemas']['Pace'];

/** The window as the formats take it. */
export function windowOf(w: components['schemas']['Window']) {
  return { start: w.start, end: w.kind === 'lifetime' ? null : w.end, zone: w.tz };
}

/** Whether a window is over. */
export function isOver(o: Pick<Overview, 'window'>, now: Date): boolean {
  return o.window.kind !== 'lifetime' && Date.parse(o.window.end) <= now.getTime();
}

/** "Will we last?" in words. */
export function willItLast(o: Pick<Overview, 'pace' | 'limit' | 'used' | 'window' | 'unit'>, now: Date): string {
  const { pace, limit, used, window: w, unit } = o;
  if (isOver(o, now)) {
    return used > limit ? `No: ${number(used - limit)} ${unit} more than the limit were used.` : `It did: ${number(limit - used)} ${unit} (${percent(limit - used, limit)}) were left at the end.`;
  }
  if (used >= limit && limit > 0) return 'No: the limit is reached. New requests are refused until it is raised or the window ends.';
  if (pace.needs_days > 0) return `The forecast needs ${pace.needs_days} more ${pace.needs_days === 1 ? 'day' : 'days'} of use.`;
  if (pace.exhausted_at) {
    const short = Date.parse(w.end) - Date.parse(pace.exhausted_at);
    const range = pace.earliest ? ` Likely between ${dayMonth(pace.earliest, w.tz)} and ${pace.latest ? dayMonth(pace.latest, w.tz) : 'the reset'}.` : '';
    return `Not at this pace: it lasts until ${dayMonth(pace.exhausted_at, w.tz)}, ${duration(short)} short.${range}`;
  }
  if (pace.at_end !== null) {
    const rest = limit - pace.at_end;
    const risk = pace.earliest ? ` In a bad case it is used up on ${dayMonth(pace.earliest, w.tz)}.` : '';
    return `Yes: at this pace ${number(Math.max(rest, 0))} ${unit} (${percent(Math.max(rest, 0), limit)}) are left on ${date(w.end, w.tz)}.${risk}`;
  }
  return 'Nothing has been used yet, so there is no pace.';
}

/** The figure "At this pace": a date and how far it is from the reset. */
export function paceFigure(pace: Pace, w: Overview['window'], used: number, limit: number): { value: string; note: string; tone?: 'warn' | 'bad' | 'ok' } {
  if (limit > 0 && used >= limit) return { value: 'used up', note: 'until it is raised or reset', tone: 'bad' };
  if (pace.needs_days > 0) return { value: '–', note: `needs ${pace.needs_days} more ${pace.needs_days === 1 ? 'day' : 'days'}` };
  if (pace.exhausted_at) {
    const short = Date.parse(w.end) - Date.parse(pace.exhausted_at);
    return {
      value: `until ${dayMonth(pace.exhausted_at, w.tz)}`,
      note: `${duration(short)} short${pace.earliest && pace.latest ? ` · 80 %: ${dayMonth(pace.earliest, w.tz)} – ${dayMonth(pace.latest, w.tz)}` : ''}`,
      tone: short > 2 * 86_400_000 ? 'bad' : 'warn',
    };
  }
  if (pace.at_end === null) return { value: '–', note: 'nothing used yet' };
  return { value: 'lasts', note: `${number(Math.max(limit - pace.at_end, 0))} left at the reset`, tone: pace.earliest ? 'warn' : 'ok' };
}

/** Against the same stretch of the window before. */
export function against(now: Figure, before: Figure): string | null {
  if (typeof now !== 'number' || typeof before !== 'number' || before <= 0) return null;
  const change = (now - before) / before;
  if (Math.abs(change) < 0.005) return 'as much as last window by now';
  return `${percent(Math.abs(change), 1)} ${change > 0 ? 'more' : 'less'} than last window by now`;
}

interface Group {
  name: string;
  credits: number;
  /** Several that have no name of their own: it counts, and is never the largest. */
  rest?: boolean;
}

/** "What for?" in words: the largest, and how much of all it is. */
export function largest(groups: Group[], unit: string): string {
  const total = groups.reduce((sum, g) => sum + g.credits, 0);
  const named = groups.some((g) => !g.rest) ? groups.filter((g) => !g.rest) : groups;
  const first = named.reduce<Group | null>((a, b) => (a && a.credits >= b.credits ? a : b), null);
  if (!first || total <= 0) return 'Nothing has been used in this window yet.';
  if (groups.length === 1) return `All ${number(total)} ${unit} went to ${first.name}.`;
  return `${first.name} takes ${percent(first.credits, total)} of ${number(total)} ${unit}.`;
}
