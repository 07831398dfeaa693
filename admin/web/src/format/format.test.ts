import { describe, expect, it } from 'vitest';
import { absolute, against, count, duration, exact, millis, number, percent, relative, resets, separators, signed, windowName } from '.';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [null, '–'],
    [undefined, '–'],
    [Number.NaN, '–'],
    [0.125, '0.13'],
    [99.5, '99.5'],
    [1312, '1,312'],
    [412_000, '412,000'],
    [999_999, '999,999'],
    [999_999.7, '1 M'],
    [1_240_000, '1.24 M'],
    [999_994_999, '1,000 M'],
    [999_999_999, '1 B'],
    [7_650_000_000, '7.65 B'],
    [-1_240_000, '-1.24 M'],
  ])('%s is written %s', (value, want) => {
    expect(number(value, 'en')).toBe(want);
  });

  it('follows the locale', () => {
    expect(number(1312.4, 'de')).toBe('1.312');
    expect(number(1_240_000, 'de')).toBe('1,24 M');
    expect(exact(1_240_000.123456, 'en')).toBe('1,240,000.123456');
  });

  it('says a sign for changes, with a real minus', () => {
    expect([signed(500, 'en'), signed(-100, 'en'), signed(0, 'en'), signed(null)]).toEqual(['+500', '−100', '0', '–']);
  });

  it.each([
    [43, 100, '43 %'],
    [4.24, 100, '4.2 %'],
    [0.04, 100, '< 0.1 %'],
    [0, 100, '0 %'],
    [99.7, 100, '> 99 %'],
    [100, 100, '100 %'],
    [130, 100, '130 %'],
    [1, 0, '–'],
    [null, 100, '–'],
  ])('%s of %s is %s', (part, whole, want) => expect(percent(part, whole, 'en')).toBe(want));

  it('says one figure in terms of another, rounded and never clipped', () => {
    expect([against(0.996, 'en'), against(1.034, 'en'), against(0.05, 'en'), against(null)]).toEqual(['100 %', '103 %', '5 %', '–']);
  });

  it('knows what is typed between thousands', () => {
    expect([separators('en-GB'), separators('de')]).toEqual([
      { thousandSeparator: ',', decimalSeparator: '.' },
      { thousandSeparator: '.', decimalSeparator: ',' },
    ]);
  });

  it('counts in words', () => {
    expect([count(1, 'person', 'people'), count(0, 'person', 'people'), count(2, 'person', 'people')]).toEqual(['1 person', '0 people', '2 people']);
  });

  it('reads milliseconds', () => {
    expect([millis(840, 'en'), millis(3240, 'en'), millis(125_000, 'en'), millis(null)]).toEqual(['840 ms', '3.2 s', '2 min 5 s', '–']);
  });
});

describe('time', () => {
  const now = new Date('2026-11-19T12:00:00Z');

  it('says durations as people do', () => {
    expect([duration(45_000), duration(60_000), duration(12 * 60_000), duration(5 * 3_600_000), duration(36 * 3_600_000), duration(9 * 86_400_000)]).toEqual([
      '45 seconds',
      '60 seconds',
      '12 minutes',
      '5 hours',
      '36 hours',
      '9 days',
    ]);
  });

  it('is relative for a week and a date from then on', () => {
    expect(relative('2026-11-19T11:59:57Z', now)).toBe('3 seconds ago');
    expect(relative('2026-11-19T11:59:59.5Z', now)).toBe('just now');
    expect(relative('2026-12-01T12:00:00Z', now)).toBe('in 12 days');
    expect(relative('2026-11-01T12:00:00Z', now, 'UTC', 'en-GB')).toBe('1 Nov 2026');
    expect(relative(null, now)).toBe('–');
    expect(relative('nonsense', now)).toBe('–');
  });

  it('gives the absolute time with its zone', () => {
    expect(absolute('2026-11-14T09:42:07Z', 'Europe/Oslo', 'en-GB')).toBe('14 Nov 2026, 10:42:07 (Europe/Oslo)');
  });

  it('names windows', () => {
    const month = { start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', zone: 'Europe/Oslo' };
    expect(windowName(month, 'en-GB')).toBe('Nov 2026');
    expect(resets(month, now)).toBe('resets in 11 days');
    expect(resets({ ...month, end: '2026-11-16T12:00:00Z' }, now)).toBe('ended 3 days ago');
    expect(windowName({ start: '2026-01-01T00:00:00Z', end: '2027-01-01T00:00:00Z', zone: 'UTC' }, 'en-GB')).toBe('2026');
    expect(windowName({ start: '2026-11-16T00:00:00Z', end: '2026-11-23T00:00:00Z', zone: 'UTC' }, 'en-GB')).toBe('16 Nov – 22 Nov 2026');
    expect(windowName({ start: '2026-11-19T00:00:00Z', end: '2026-11-20T00:00:00Z', zone: 'UTC' }, 'en-GB')).toBe('19 Nov 2026');
    expect(windowName({ start: '2026-11-19T00:00:00Z', end: null, zone: 'UTC' }, 'en-GB')).toBe('since 19 Nov 2026');
  });
});
