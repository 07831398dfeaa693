import type { components } from '@/api';

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
export function changeOf(was: Values, now: Values): { name?: string; settings?: Record<string, unknown> } {
  const fields = differing(was, now);
  const settings: Record<string, unknown> = {};
  for (const f of fields) {
    if (f === 'name' || window.includes(f)) continue;
    settings[f] = figures.includes(f) ? Number(now[f]) : now[f];
  }
  if (fields.some((f) => window.includes(f))) settings.window = windowOf(now);
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
