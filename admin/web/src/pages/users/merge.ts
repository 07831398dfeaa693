import { number } from '@/format';
import type { Person } from './filters';

/** What the form of a person holds. An empty quota inherits. */
export interface Form {
  name: string;
  email: string;
  quota: string | number;
  department: string | null;
  role: Person['access_role'];
}

export const labels: Record<keyof Form, string> = { name: 'Name', email: 'Email', quota: 'Quota', department: 'Department', role: 'Role' };

export function formOf(p: Person): Form {
  return { name: p.name, email: p.email, quota: p.personal_quota ?? '', department: p.department_id, role: p.access_role };
}

/** Only what differs from what was read is sent, so that two admins who change different things both get theirs. */
export function changesOf(base: Form, typed: Form): Partial<Form> {
  const out: Partial<Form> = {};
  for (const f of Object.keys(labels) as (keyof Form)[]) if (base[f] !== typed[f]) (out as Record<string, unknown>)[f] = typed[f];
  return out;
}

export interface Merge {
  /** What the form shows now: theirs where nothing was typed. */
  typed: Form;
  /** What both changed: theirs, which would be overwritten. */
  clashes: { field: keyof Form; theirs: string; mine: string }[];
  /** What they changed and nothing was typed for. */
  taken: (keyof Form)[];
}

export function shown(field: keyof Form, value: Form[keyof Form]): string {
  if (field === 'quota') return value === '' ? 'inherits' : number(Number(value));
  return value === null || value === '' ? 'none' : String(value);
}

/** After somebody else was faster: keeps what was typed, takes over the rest, and says where the two differ. */
export function merge(base: Form, typed: Form, theirs: Form): Merge {
  const out: Merge = { typed: { ...typed }, clashes: [], taken: [] };
  for (const f of Object.keys(labels) as (keyof Form)[]) {
    if (theirs[f] === base[f] || theirs[f] === typed[f]) continue;
    if (typed[f] === base[f]) {
      (out.typed as unknown as Record<string, unknown>)[f] = theirs[f];
      out.taken.push(f);
    } else out.clashes.push({ field: f, theirs: shown(f, theirs[f]), mine: shown(f, typed[f]) });
  }
  return out;
}
