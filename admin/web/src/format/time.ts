import { unknown } from './number';

export type Instant = string | number | Date | null | undefined;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function instant(at: Instant): Date | null {
  if (at === null || at === undefined || at === '') return null;
  const d = at instanceof Date ? at : new Date(at);
  return Number.isNaN(d.getTime()) ? null : d;
}

type Style = 'date' | 'day' | 'clock' | 'month';

const styles: Record<Style, Intl.DateTimeFormatOptions> = {
  date: { day: 'numeric', month: 'short', year: 'numeric' },
  day: { day: 'numeric', month: 'short' },
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  month: { month: 'short', year: 'numeric' },
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format takes a hundred times as long as using it, and a list uses it in each row. */
function shown(d: Date, style: Style, zone?: string, locale?: string): string {
  const name = `${style} ${zone ?? ''} ${locale ?? ''}`;
  let format = formats.get(name);
  if (!format) formats.set(name, (format = new Intl.DateTimeFormat(locale, { ...styles[style], timeZone: zone })));
  return format.format(d);
}

function plural(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? '' : 's'}`;
}

/** A length of time as people say it: "9 days", "3 hours", "12 minutes", "40 seconds". */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size >= 2 * day) return plural(Math.round(size / day), 'day');
  if (size >= 100 * minute) return plural(Math.round(size / hour), 'hour');
  if (size >= 100_000) return plural(Math.round(size / minute), 'minute');
  return plural(Math.round(size / 1000), 'second');
}

/** "3 s ago", "in 12 days". What is older than a week gets its date instead. */
export function relative(at: Instant, now: Date, zone?: string, locale?: string): string {
  const d = instant(at);
  if (!d) return unknown;
  const ms = d.getTime() - now.getTime();
  if (Math.abs(ms) < 2000) return 'just now';
  if (ms < -7 * day) return date(d, zone, locale);
  return ms < 0 ? `${duration(ms)} ago` : `in ${duration(ms)}`;
}

/** "14 Nov 2026" in a zone, which is the browser's when none is given. */
export function date(at: Instant, zone?: string, locale?: string): string {
  const d = instant(at);
  return d ? shown(d, 'date', zone, locale) : unknown;
}

/** "14 Nov", for axes and sentences whose year is clear. */
export function dayMonth(at: Instant, zone?: string, locale?: string): string {
  const d = instant(at);
  return d ? shown(d, 'day', zone, locale) : unknown;
}

/** "10:42:07". */
export function clock(at: Instant, zone?: string, locale?: string): string {
  const d = instant(at);
  return d ? shown(d, 'clock', zone, locale) : unknown;
}

/** "14 Nov 2026, 10:42:07 (Europe/Oslo)": the absolute time behind a relative one. */
export function absolute(at: Instant, zone?: string, locale?: string): string {
  const d = instant(at);
  if (!d) return unknown;
  return `${date(d, zone, locale)}, ${clock(d, zone, locale)} (${zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}

export interface Window {
  start: string;
  end: string | null;
  zone: string;
}

/** The name of a window: "Nov 2026" for a month, "2026" for a year, else its first and last day. */
export function windowName(w: Window, locale?: string): string {
  const start = instant(w.start);
  const end = instant(w.end);
  if (!start) return unknown;
  if (!end) return `since ${date(start, w.zone, locale)}`;
  const parts = (d: Date) => {
    const p = new Intl.DateTimeFormat('en', { timeZone: w.zone, year: 'numeric', month: 'numeric', day: 'numeric' }).formatToParts(d);
    const of = (type: string) => Number(p.find((x) => x.type === type)?.value);
    return { y: of('year'), m: of('month'), d: of('day') };
  };
  const a = parts(start);
  const b = parts(end);
  const months = (b.y - a.y) * 12 + b.m - a.m;
  if (a.d === 1 && b.d === 1 && months === 1) return shown(start, 'month', w.zone, locale);
  if (a.d === 1 && b.d === 1 && a.m === 1 && months === 12) return String(a.y);
  const last = new Date(end.getTime() - 1);
  if (end.getTime() - start.getTime() <= 25 * hour) return date(start, w.zone, locale);
  return `${dayMonth(start, w.zone, locale)} – ${date(last, w.zone, locale)}`;
}

/** "resets in 12 days", "ended 3 days ago", or "never resets". */
export function resets(w: Window, now: Date): string {
  const end = instant(w.end);
  if (!end) return 'never resets';
  const ms = end.getTime() - now.getTime();
  return ms > 0 ? `resets in ${duration(ms)}` : `ended ${duration(ms)} ago`;
}
