import type { components } from '@/api';
import type { Person, TeamRef } from '@/components';

/** One end of a reallocation as it is typed. */
export interface Entry {
  kind: 'person' | 'team';
  person: Person | null;
  team: TeamRef | null;
  /** Below 0 it is taken. Empty is not typed yet. */
  amount: number | string;
}

export type Body = components['schemas']['ReallocationCreate'];

/** What is left to give or to take: 0 is balanced. Counted in millionths, so that 0.1 and 0.2 add up to 0.3. */
export function sumOf(entries: readonly Pick<Entry, 'amount'>[]): number {
  return entries.reduce((n, e) => n + Math.round(Number(e.amount || 0) * 1e6), 0) / 1e6;
}

/** Why it cannot be sent yet, or null. */
export function missing(entries: readonly Entry[], reason: string): string | null {
  if (entries.some((e) => (e.kind === 'person' ? !e.person : !e.team))) return 'Choose a person or a team on every line.';
  if (entries.some((e) => !Number(e.amount))) return 'Enter an amount on every line: below 0 it is taken, above 0 it is given.';
  const seen = new Set(entries.map((e) => (e.kind === 'person' ? e.person!.id : e.team!.id)));
  if (seen.size < entries.length) return 'Somebody is on two lines. Put their amounts together.';
  if (sumOf(entries) !== 0) return 'What is taken and what is given have to be the same.';
  if (!reason.trim()) return 'Say why: it is kept in the audit log.';
  return null;
}

export function bodyOf(entries: readonly Entry[], reason: string): Body {
  return {
    entries: entries.map((e) => ({ ...(e.kind === 'person' ? { user_id: e.person!.id } : { team_id: e.team!.id }), amount: Number(e.amount) })),
    reason: reason.trim(),
  };
}

/** One row of a preview: what is available before and after. */
export interface Effect {
  subject: string;
  amount: number | null;
  before: number | null;
  after: number | null;
}

interface Change {
  action: string;
  subject: string;
  before?: unknown;
  after?: unknown;
}

/** Reads what a dry run said. What it did not say is unknown, not 0. */
export function effectsOf(changes: readonly Change[]): Effect[] {
  const figure = (of: unknown, field: string): number | null => {
    const v = of && typeof of === 'object' ? (of as Record<string, unknown>)[field] : undefined;
    const n = typeof v === 'string' ? Number(v) : v;
    return typeof n === 'number' && Number.isFinite(n) ? n : null;
  };
  return changes
    .filter((c) => c.action === 'reallocation.create')
    .map((c) => ({ subject: c.subject, amount: figure(c.after, 'amount'), before: figure(c.before, 'available'), after: figure(c.after, 'available') }));
}
