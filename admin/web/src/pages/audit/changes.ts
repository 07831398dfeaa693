import type { components } from '@/api';

type Event = Pick<components['schemas']['AuditEvent'], 'before' | 'after' | 'changes'>;

export interface Change {
  field: string;
  before?: unknown;
  after?: unknown;
}

/** The fields that differ: as the server tells them, else from what stood before and after. */
export function changesOf(e: Event): Change[] {
  if (e.changes) return e.changes.map((c) => ({ field: c.field, before: c.before, after: c.after }));
  const before = fields(e.before);
  const after = fields(e.after);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
    .map((field) => ({ field, before: before[field], after: after[field] }));
}

function fields(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : { value };
}

/** A value as a person reads it: an id that has a name, with it. */
export function show(value: unknown, names: Record<string, string> = {}): string {
  if (typeof value === 'string' && names[value]) return `${names[value]} (${value})`;
  if (value === null) return 'none';
  if (value === '') return 'empty';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
