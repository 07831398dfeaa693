import { expect, it } from 'vitest';
import { amount, ticksTo } from './axis';
import { rowsOf } from './BurnUp';
import { seriesOf } from './series';

const window = { start: '2026-11-01T00:00:00Z', end: '2026-12-01T00:00:00Z', zone: 'UTC' };

it('has round ticks that reach above the highest', () => {
  for (const highest of [0.3, 7, 99, 8_000_000, 11_024, 291_207]) {
    const ticks = ticksTo(highest);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(highest);
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
  expect(ticksTo(8_000_000)).toEqual([0, 2_000_000, 4_000_000, 6_000_000, 8_000_000]);
  expect([amount(300_000), amount(7500), amount(1_500_000)]).toEqual(['300\u00a0k', '7,500', '1.5\u00a0M']);
});

it('carries the pace on to the end of the window, from the last point', () => {
  const rows = rowsOf({ points: [{ at: '2026-11-11T00:00:00Z', used: 1000, limit: 2500 }], window, perDay: 100, earliest: '2026-11-21T00:00:00Z', latest: null });
  expect(rows).toEqual([
    { t: Date.parse(window.start), used: 0, limit: 2500 },
    { t: Date.parse('2026-11-11T00:00:00Z'), used: 1000, limit: 2500, pace: 1000, cone: [1000, 1000] },
    { t: Date.parse(window.end), limit: 2500, pace: 3000, cone: [2000, 4000] },
  ]);
});

it('draws no pace before there is one', () => {
  expect(rowsOf({ points: [{ at: '2026-11-11T00:00:00Z', used: 0, limit: null }], window, perDay: null })).toHaveLength(2);
});

it('gives colours in the same order, and grey to other', () => {
  expect(seriesOf([{ key: 'a', name: 'a' }, { key: 'b', name: 'rest', other: true }, { key: 'c', name: 'c' }]).map((s) => s.colour)).toEqual(['var(--a-cat-1)', 'var(--a-cat-other)', 'var(--a-cat-2)']);
});
