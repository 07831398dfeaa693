import { dayMonth, number } from '../format';

/** How every chart draws its axes: quiet, with figures as the pages write them. */
export const axis = {
  tick: { fontSize: 12, fill: 'var(--a-soft)' },
  axisLine: false,
  tickLine: false,
  tickMargin: 8,
} as const;

export const grid = { stroke: 'var(--a-line)', strokeDasharray: '3 4', vertical: false } as const;

/** Figures on an axis, short: 300 k, 1.5 M. */
export const amount = (v: number) => (v >= 10_000 && v < 1_000_000 ? `${number(v / 1000)}\u00a0k` : number(v).replace(' ', '\u00a0'));

/** Round ticks from 0 to just above a figure: four or five of them. */
export function ticksTo(highest: number): number[] {
  const top = Math.max(highest, 1e-6);
  const size = 10 ** Math.floor(Math.log10(top / 4));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * size).find((s) => s * 5 >= top) ?? 10 * size;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** Days on a time axis, in the window's zone. */
export const day = (zone: string) => (ms: number) => dayMonth(ms, zone);
