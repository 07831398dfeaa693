import type { components } from '@/api';
import { number } from '@/format';

export type Organization = components['schemas']['Organization'];

/** What the form holds. An empty text is a figure that is not typed. */
export interface Values {
  name: string;
  zone: string;
  unit_name: string;
  window_kind: string;
  anchor_day: number | string;
  week_start: string;
  fiscal_month: string;
  default_personal_quota: number | string;
  default_team_pool: number | string;
  vacation_share_percentage: number | string;
  critical_overdraft_limit: number | string;
  default_max_priority: string;
  pool_sharing: string;
  transfer_free_limit: number | string;
  transfers_by: string;
  force_privacy: boolean;
  fail_mode: string;
}

export const words: Record<keyof Values, string> = {
  name: 'Name',
  zone: 'Time zone',
  unit_name: 'Unit',
  window_kind: 'Window',
  anchor_day: 'Starts on day',
  week_start: 'Starts on',
  fiscal_month: 'Year starts in',
  default_personal_quota: 'Personal quota',
  default_team_pool: 'Team pool',
  vacation_share_percentage: 'Vacation share',
  critical_overdraft_limit: 'Critical overdraft',
  default_max_priority: 'Highest priority',
  pool_sharing: 'Pool sharing',
  transfer_free_limit: 'Largest transfer',
  transfers_by: 'Who may transfer',
  force_privacy: 'Privacy',
  fail_mode: 'While live counters are away',
};

export function valuesOf(o: Organization): Values {
  const s = o.settings;
  return {
    name: o.name,
    zone: s.zone ?? 'UTC',
    unit_name: s.unit_name ?? '',
    window_kind: s.window?.kind ?? 'monthly',
    anchor_day: s.window?.anchor_day || 1,
    week_start: String(s.window?.week_start ?? 1),
    fiscal_month: String(s.window?.fiscal_month || 1),
    default_personal_quota: s.default_personal_quota ?? '',
    default_team_pool: s.default_team_pool ?? '',
    vacation_share_percentage: s.vacation_share_percentage ?? '',
    critical_overdraft_limit: s.critical_overdraft_limit ?? '',
    default_max_priority: s.default_max_priority ?? 'critical',
    pool_sharing: s.pool_sharing ?? 'equal',
    transfer_free_limit: s.transfer_free_limit ?? '',
    transfers_by: s.transfers_by ?? 'members',
    force_privacy: s.force_privacy ?? false,
    fail_mode: s.fail_mode ?? 'deny',
  };
}

const window: readonly (keyof Values)[] = ['window_kind', 'anchor_day', 'week_start', 'fiscal_month'];
const figures: readonly (keyof Values)[] = ['default_personal_quota', 'default_team_pool', 'vacation_share_percentage', 'critical_overdraft_limit', 'transfer_free_limit'];

/** The names of what differs. */
export function differing(was: Values, now: Values): (keyof Values)[] {
  return (Object.keys(words) as (keyof Values)[]).filter((f) => was[f] !== now[f]);
}

/** The change as the API takes it: only what the person changed. A window is sent whole, since its parts mean nothing alone. */
export function changeOf(was: Values, now: Values, planned = false): { name?: string; settings?: Record<string, unknown> } {
  const fields = differing(was, now);
  const settings: Record<string, unknown> = {};
  for (const f of fields) {
    if (f === 'name' || window.includes(f)) continue;
    settings[f] = figures.includes(f) ? Number(now[f]) : now[f];
  }
  const moves = fields.some((f) => f === 'zone' || window.includes(f));
  if (fields.some((f) => window.includes(f)) || (planned && moves && now.window_kind !== 'range')) settings.window = windowOf(now);
  // Over a planned change, which the form does not show in its fields, both are said.
  if (planned && moves) settings.zone = now.zone;
  return { ...(fields.includes('name') ? { name: now.name.trim() } : {}), ...(Object.keys(settings).length ? { settings } : {}) };
}

function windowOf(v: Values): Record<string, unknown> {
  switch (v.window_kind) {
    case 'weekly':
      return { kind: v.window_kind, week_start: Number(v.week_start) };
    case 'monthly':
      return { kind: v.window_kind, anchor_day: Number(v.anchor_day) || 1 };
    case 'quarterly':
    case 'yearly':
      return { kind: v.window_kind, anchor_day: Number(v.anchor_day) || 1, fiscal_month: Number(v.fiscal_month) || 1 };
    default:
      return { kind: v.window_kind };
  }
}

export const windowKinds = [
  { value: 'daily', label: 'Day' },
  { value: 'weekly', label: 'Week' },
  { value: 'monthly', label: 'Month' },
  { value: 'quarterly', label: 'Quarter' },
  { value: 'yearly', label: 'Year' },
  { value: 'lifetime', label: 'Never starts anew' },
  { value: 'range', label: 'A range that was set by the API' },
];
export const months = Array.from({ length: 12 }, (_, i) => ({ value: String(i + 1), label: new Date(Date.UTC(2026, i, 1)).toLocaleDateString(undefined, { month: 'long', timeZone: 'UTC' }) }));
export const days = Array.from({ length: 7 }, (_, i) => ({ value: String(i), label: new Date(Date.UTC(2026, 1, 1 + i)).toLocaleDateString(undefined, { weekday: 'long', timeZone: 'UTC' }) }));

const choices: Partial<Record<keyof Values, Record<string, string>>> = {
  window_kind: Object.fromEntries(windowKinds.map((k) => [k.value, k.label])),
  week_start: Object.fromEntries(days.map((d) => [d.value, d.label])),
  fiscal_month: Object.fromEntries(months.map((m) => [m.value, m.label])),
  pool_sharing: { equal: 'Equal shares', open: 'First come' },
  transfers_by: { members: 'Everybody', admins: 'Admins only' },
  fail_mode: { deny: 'Refuse requests', local: 'Spend allowances', allow: 'Let all through' },
  default_max_priority: { low: 'Low', normal: 'Normal', high: 'High', critical: 'Critical' },
};

/** A value as a person reads it. */
export function told(field: keyof Values, value: Values[keyof Values]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (figures.includes(field)) return `${number(Number(value))}${field === 'vacation_share_percentage' ? ' %' : ''}`;
  return choices[field]?.[String(value)] ?? String(value);
}

/** For whom a setting counts, and from when. The window says that itself. */
export const reach: Record<keyof Values, string> = {
  name: 'Everybody sees it, at once.',
  zone: '',
  unit_name: 'Everybody sees it, on every page and in every refusal.',
  window_kind: '',
  anchor_day: '',
  week_start: '',
  fiscal_month: '',
  default_personal_quota: 'People without a quota of their own whose team sets none. It counts within a second; what was used stays used.',
  default_team_pool: 'Teams that are added from now on without a pool. Those that exist keep theirs.',
  vacation_share_percentage: 'Teams with members who go away from now on. What was released in this window stays.',
  critical_overdraft_limit: 'Everybody who may ask for critical, within a second. What is owed stays owed.',
  default_max_priority: 'People for whom no highest priority is set. Requests above it are lowered, and told so.',
  pool_sharing: 'Members of every team that does not say otherwise, within a second.',
  transfer_free_limit: 'Everybody who gives credits away, from the next transfer on.',
  transfers_by: 'Members, from the next transfer on.',
  force_privacy: 'Every request from now on.',
  fail_mode: 'Every request that comes while the live counters are away. Limits with a rule of their own keep it.',
};

/** A zone and a window in words: "every month from day 15, Europe/Oslo". */
export function calendarWords(c: { zone: string; window: components['schemas']['WindowRule'] }): string {
  const w = c.window;
  const month = w.fiscal_month && w.fiscal_month > 1 ? `, the year from ${months[w.fiscal_month - 1]?.label}` : '';
  const day = w.anchor_day && w.anchor_day > 1 ? ` from day ${w.anchor_day}` : '';
  const every: Record<string, string> = {
    daily: 'every day',
    weekly: `every week from ${days[w.week_start ?? 1]?.label}`,
    monthly: `every month${day}`,
    quarterly: `every quarter${day}${month}`,
    yearly: `every year${day}${month}`,
    lifetime: 'never',
    range: 'a range',
  };
  return `${every[w.kind] ?? w.kind}, ${c.zone}`;
}
