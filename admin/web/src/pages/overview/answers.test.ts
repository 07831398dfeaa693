import { describe, expect, it } from 'vitest';
import { against, largest, paceFigure, willItLast } from './answers';

const now = new Date('2026-11-19T12:00:00Z');
const window = { kind: 'monthly' as const, name: '2026-11', start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', tz: 'Europe/Oslo' };
const pace = { per_day: 300, exhausted_at: null, earliest: null, latest: null, at_end: 9000, needs_days: 0 };
const base = { pace, limit: 10_000, used: 5_700, window, unit: 'credits' };

describe('will it last, in words', () => {
  it('says yes with what is left, and the bad case', () => {
    expect(willItLast(base, now)).toMatch(/^Yes: at this pace 1,000 credits \(10 %\) are left on .*1.*Dec.*2026\.$|^Yes: at this pace 1,000 credits \(10 %\) are left on Dec 1, 2026\.$/);
    expect(willItLast({ ...base, pace: { ...pace, earliest: '2026-11-28T12:00:00Z' } }, now)).toContain('In a bad case');
  });
  it('says no with the date, how short it is, and the range', () => {
    const said = willItLast({ ...base, pace: { ...pace, exhausted_at: '2026-11-26T11:00:00Z', earliest: '2026-11-24T00:00:00Z', latest: '2026-11-29T00:00:00Z' } }, now);
    expect(said).toMatch(/^Not at this pace: it lasts until .*26.*, 5 days short\. Likely between .*24.* and .*29.*\.$/);
  });
  it('says that the limit is reached, whatever the pace', () => {
    expect(willItLast({ ...base, used: 10_000 }, now)).toMatch(/^No: the limit is reached/);
  });
  it('asks for days before it forecasts', () => {
    expect(willItLast({ ...base, pace: { ...pace, needs_days: 1 } }, now)).toBe('The forecast needs 1 more day of use.');
    expect(willItLast({ ...base, pace: { ...pace, needs_days: 2 } }, now)).toBe('The forecast needs 2 more days of use.');
  });
  it('looks back on a window that is over', () => {
    expect(willItLast(base, new Date('2026-12-03T00:00:00Z'))).toBe('It did: 4,300 credits (43 %) were left at the end.');
    expect(willItLast({ ...base, used: 10_500 }, new Date('2026-12-03T00:00:00Z'))).toBe('No: 500 credits more than the limit were used.');
  });
});

it('gives the pace as a figure with its tone', () => {
  expect(paceFigure(pace, window, 5_700, 10_000)).toEqual({ value: 'lasts', note: '1,000 left at the reset', tone: 'ok' });
  expect(paceFigure({ ...pace, exhausted_at: '2026-11-30T01:00:00Z' }, window, 5_700, 10_000).tone).toBe('warn');
  expect(paceFigure({ ...pace, exhausted_at: '2026-11-22T01:00:00Z' }, window, 5_700, 10_000).tone).toBe('bad');
  expect(paceFigure(pace, window, 10_000, 10_000).value).toBe('used up');
  expect(paceFigure({ ...pace, at_end: null }, window, 0, 10_000).value).toBe('–');
});

it('compares with the same stretch of the window before', () => {
  expect(against(112, 100)).toBe('12 % more than last window by now');
  expect(against(50, 100)).toBe('50 % less than last window by now');
  expect(against(100, 100)).toBe('as much as last window by now');
  expect(against(100, 0)).toBeNull();
  expect(against(undefined, 100)).toBeNull();
});

it('names the largest', () => {
  expect(largest([{ name: 'a', credits: 30 }, { name: 'b', credits: 70 }], 'credits')).toBe('b takes 70 % of 100 credits.');
  expect(largest([{ name: 'a', credits: 30 }], 'credits')).toBe('All 30 credits went to a.');
  expect(largest([{ name: 'a', credits: 30 }, { name: 'others', credits: 70, rest: true }], 'credits')).toBe('a takes 30 % of 100 credits.');
  expect(largest([{ name: 'others', credits: 70, rest: true }], 'credits')).toBe('All 70 credits went to others.');
  expect(largest([], 'credits')).toBe('Nothing has been used in this window yet.');
});
