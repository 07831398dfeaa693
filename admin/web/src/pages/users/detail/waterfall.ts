import type { components } from '@/api';
import { number } from '@/format';

export type Explanation = components['schemas']['QuotaExplanation'];
type Part = Explanation['parts'][number];

/** A bar of the waterfall: where it begins and ends on the scale of credits. */
export interface Step {
  label: string;
  note: string | null;
  at: string | null;
  kind: 'whole' | 'plus' | 'minus';
  amount: number;
  from: number;
  to: number;
}

const many: Record<Part['kind'], (n: number) => string> = {
  base: () => 'Base',
  transfer_in: (n) => `${n} transfers received`,
  transfer_out: (n) => `${n} transfers given`,
  reallocation: (n) => `${n} reallocations by an admin`,
  vacation_release: (n) => `${n} releases for vacation`,
  vacation_return: (n) => `${n} returns after vacation`,
  debt: (n) => `${n} repayments of debt`,
  adjustment: (n) => `${n} adjustments`,
  floor: () => 'What would be below 0 is 0',
};

/** Beyond so many parts, those of a kind are summed into one bar; the table keeps each. */
const bars = 10;

/** The parts as bars that stand on each other. Their last end is the quota. */
export function steps(parts: readonly Part[]): Step[] {
  const shown: { label: string; note: string | null; at: string | null; kind: Part['kind']; amount: number }[] = [];
  for (const p of parts) {
    const same = parts.length > bars ? shown.find((s) => s.kind === p.kind && p.kind !== 'base') : undefined;
    if (same) same.amount += p.amount;
    else shown.push({ label: p.label, note: p.reason || null, at: p.at, kind: p.kind, amount: p.amount });
  }
  if (parts.length > bars) {
    for (const s of shown) {
      const n = parts.filter((p) => p.kind === s.kind).length;
      if (n > 1) Object.assign(s, { label: many[s.kind](n), note: null, at: null });
    }
  }
  let sum = 0;
  return shown.map((s, i) => {
    const from = sum;
    sum += s.amount;
    return { label: s.label, note: s.note, at: s.at, amount: s.amount, from, to: sum, kind: i === 0 ? 'whole' : s.amount < 0 ? 'minus' : 'plus' };
  });
}

const short: Record<Part['kind'], string> = {
  base: 'base',
  transfer_in: 'received',
  transfer_out: 'given',
  reallocation: 'reallocated by an admin',
  vacation_release: 'released for vacation',
  vacation_return: 'returned after vacation',
  debt: 'of debt repaid',
  adjustment: 'adjusted',
  floor: 'to not fall below 0',
};

/** Where the base comes from. */
export function origin(source: Explanation['source']): string {
  switch (source.level) {
    case 'user':
      return 'set for this person';
    case 'team':
      return `the default of ${source.name ?? 'the team'}`;
    case 'department':
      return `the default of ${source.name ?? 'the department'}`;
    case 'organization':
      return "the organisation's default";
    default:
      return 'the default';
  }
}

/** "8,000 (set for this person) + 500 received − 100 given = 8,400". */
export function inWords(e: Explanation): string {
  const sums = new Map<Part['kind'], number>();
  for (const p of e.parts) if (p.kind !== 'base') sums.set(p.kind, (sums.get(p.kind) ?? 0) + p.amount);
  const base = e.parts.filter((p) => p.kind === 'base').reduce((s, p) => s + p.amount, 0);
  const rest = [...sums].filter(([, v]) => v !== 0).map(([k, v]) => `${v < 0 ? '−' : '+'} ${number(Math.abs(v))} ${short[k]}`);
  if (rest.length === 0) return `${number(base)} is ${origin(e.source)}. Nothing was given, received or released in this window.`;
  return `${number(base)} (${origin(e.source)}) ${rest.join(' ')} = ${number(e.effective_quota)} ${e.unit}.`;
}
