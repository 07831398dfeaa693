import type { components } from '@/api';
import { figure, flag, id, sort, text, type Param, type Sort } from '@/url/state';

export type Person = components['schemas']['User'];
export type Status = components['schemas']['UserStatus'];
export type Role = components['schemas']['AccessRole'];
type Selection = NonNullable<components['schemas']['JobSelection']['filter']>;

/** One of a list, or nothing. */
function some<const T extends string>(...values: T[]): Param<T | null> {
  return { read: (t) => values.find((v) => v === t) ?? null, write: (v) => v ?? undefined };
}

/** What the directory's address says. `add`, `edit` and `import` are dialogs, so that a link can open them. */
export const params = {
  q: text,
  status: some('active', 'on_vacation', 'suspended'),
  role: some('owner', 'admin', 'member'),
  used: figure,
  /** Not seen for so many days. */
  unseen: figure,
  sort: sort(['name', 'email', 'used', 'used_percent', 'quota', 'last_seen', 'created'], { field: 'name', descending: false }),
  add: flag,
  edit: id,
  import: flag,
};

export interface Filter {
  q: string;
  status: Status | null;
  role: Role | null;
  used: number | null;
  unseen: number | null;
}

export type Scope = { team?: string; department?: string };

export const none: Filter = { q: '', status: null, role: null, used: null, unseen: null };

/** The instant that "not seen for n days" means, the same for a whole hour so that a list stays what it was. */
export function seenBefore(days: number, now: Date): string {
  const hour = 3_600_000;
  return new Date(Math.floor(now.getTime() / hour) * hour - days * 24 * hour).toISOString();
}

/** The filter as the job's selection takes it. */
export function selectionOf(f: Filter, scope: Scope, now: Date): Selection {
  const out: Selection = { ...scope };
  if (f.q) out.q = f.q;
  if (f.status) out.status = [f.status];
  if (f.role) out.access_role = f.role;
  if (f.used !== null) out.used_over = f.used;
  if (f.unseen !== null) out.seen_before = seenBefore(f.unseen, now);
  return out;
}

/** How many people are read at once. */
export const pageSize = 100;

/** The query of the list; with a cursor, of what comes after it. */
export function queryOf(f: Filter, scope: Scope, by: Sort, cursor: string | null, now: Date) {
  return { ...selectionOf(f, scope, now), sort: order(by), cursor: cursor ?? undefined, limit: pageSize };
}

type Order = NonNullable<NonNullable<import('@/api').paths['/v1/admin/users']['get']['parameters']['query']>['sort']>;

function order(by: Sort): Order {
  return ((by.descending ? '-' : '') + by.field) as Order;
}

const statuses: Record<Status, string> = { active: 'active', on_vacation: 'on vacation', suspended: 'suspended' };

/** "active people that match “ada” over 80 % of their quota": who is meant, for a button and a dialog. */
export function sentence(f: Filter): string {
  const words = [f.status && statuses[f.status], f.role === 'owner' ? 'owners' : f.role === 'admin' ? 'admins' : f.role === 'member' ? 'members' : 'people'];
  if (f.q) words.push(`that match “${f.q}”`);
  if (f.used !== null) words.push(`over ${f.used} % of their quota`);
  if (f.unseen !== null) words.push(`not seen for ${f.unseen} days`);
  return words.filter(Boolean).join(' ');
}

export function filtered(f: Filter): boolean {
  return Boolean(f.q) || f.status !== null || f.role !== null || f.used !== null || f.unseen !== null;
}

/** What a saved view keeps of an address: who is listed and in which order, not the page one is on or what is open. */
export function viewOf(search: string): string {
  const out = new URLSearchParams(search);
  for (const name of ['cursor', 'add', 'edit', 'import']) out.delete(name);
  out.sort();
  return out.toString();
}
