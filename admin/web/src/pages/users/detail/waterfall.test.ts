import { describe, expect, it } from 'vitest';
import { inWords, steps, type Explanation } from './waterfall';

type Part = Explanation['parts'][number];
const part = (kind: Part['kind'], amount: number, label: string = kind): Part => ({ kind, amount, label, at: null, until: null });

function explained(parts: Part[]): Explanation {
  const sum = parts.reduce((s, p) => s + p.amount, 0);
  return { user_id: 'usr_1', at: '2026-11-23T10:00:00Z', unit: 'credits', window: { kind: 'monthly', name: '2026-11', start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', tz: 'Europe/Oslo' }, source: { level: 'user' }, parts, effective_quota: sum, used: 0, held: 0, available: sum };
}

describe('the waterfall', () => {
  it('stands each part on those before it, and ends at the limit', () => {
    const s = steps([part('base', 8000), part('transfer_in', 500), part('transfer_out', -100)]);
    expect(s.map((x) => [x.from, x.to, x.kind])).toEqual([[0, 8000, 'whole'], [8000, 8500, 'plus'], [8500, 8400, 'minus']]);
  });

  it('sums a kind when there are too many to read, and loses nothing', () => {
    const parts = [part('base', 1000), ...Array.from({ length: 14 }, () => part('transfer_in', 10)), part('transfer_out', -40, 'to one')];
    const s = steps(parts);
    expect(s.map((x) => x.label)).toEqual(['base', '14 transfers received', 'to one']);
    expect(s.at(-1)!.to).toBe(parts.reduce((sum, p) => sum + p.amount, 0));
  });

  it('is told in words', () => {
    expect(inWords(explained([part('base', 8000), part('transfer_in', 500), part('transfer_out', -100)]))).toBe('8,000 (set for this person) + 500 received − 100 given = 8,400 credits.');
    expect(inWords(explained([part('base', 8000)]))).toBe('8,000 is set for this person. Nothing was given, received or released in this window.');
  });
});
