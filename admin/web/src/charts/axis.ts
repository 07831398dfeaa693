import { dayMonth, number } from '../format';

/** How every chart draws its axes: quiet, with figures as the pages write them. */
export const axis = {
  tick: { fontSize: 12, fill: 'var(--a-soft)' },
  axisLine: false,
  tickLine: false,
  tickMargin: 8,
} as const;

export const grid = { stroke: 'var(--a-line)', strokeDasharray: '3 4', vertical: false } as const;

export const amount = (v: number) => number(v).replace(' ', '\u00a0');

/** Days on a time axis, in the window's zone. */
export const day = (zone: string) => (ms: number) => dayMonth(ms, zone);
