import type { components } from '@/api';
import { count, exact } from '@/format';

export type Limit = components['schemas']['Limit'];
export type LimitPut = components['schemas']['LimitPut'];

export const scopes: { value: Limit['scope']; label: string }[] = [
  { value: 'organization', label: 'Organisation' },
  { value: 'department', label: 'Department' },
  { value: 'team', label: 'Team' },
  { value: 'project', label: 'Project' },
  { value: 'user', label: 'User' },
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
];

export const metrics: { value: Limit['metric']; label: string; unit: string }[] = [
  { value: 'credits', label: 'Cap: credits per window', unit: 'per window' },
  { value: 'requests_per_minute', label: 'Rate: requests per minute', unit: 'requests per minute' },
  { value: 'tokens_per_minute', label: 'Rate: tokens per minute', unit: 'tokens per minute' },
];

export const modes: { value: Limit['mode']; label: string; about: string }[] = [
  { value: 'enforce', label: 'Enforce', about: 'Requests beyond it are refused.' },
  { value: 'shadow', label: 'Shadow', about: 'Nothing is refused; what would have been is counted.' },
];

export const fails: { value: string; label: string }[] = [
  { value: '', label: 'As the organisation has set' },
  { value: 'deny', label: 'Refuse' },
  { value: 'local', label: 'Spend the allowance' },
  { value: 'allow', label: 'Admit' },
];

/** A limit is named by what it binds and what it counts; a second one of the same name replaces it. */
export function idOf(l: Pick<Limit, 'scope' | 'subject' | 'metric'>): string {
  return `${l.scope}:${l.metric}:${l.subject}`;
}

export function parseId(id: string | null): Pick<Limit, 'scope' | 'subject' | 'metric'> | null {
  const parts = /^([a-z]+):([a-z_]+):(.*)$/.exec(id ?? '');
  const scope = scopes.find((s) => s.value === parts?.[1])?.value;
  const metric = metrics.find((m) => m.value === parts?.[2])?.value;
  return scope && metric ? { scope, metric, subject: parts![3]! } : null;
}

/** What a limit allows, with its unit: "50,000 credits per window". */
export function amount(l: Pick<Limit, 'metric' | 'credits' | 'rate'>, unit: string): string {
  if (l.metric === 'credits') return `${exact(l.credits)} ${unit} per window`;
  return l.metric === 'requests_per_minute' ? `${count(l.rate, 'request', 'requests')} per minute` : `${count(l.rate, 'token', 'tokens')} per minute`;
}

/** What changes for whom when a limit is set. */
export function effect(before: Limit | null, after: Pick<Limit, 'metric' | 'credits' | 'rate' | 'mode'>): string {
  if (after.mode === 'shadow') return before?.mode === 'enforce' ? 'From now on nothing is refused because of it; what would have been is counted.' : 'Nothing is refused. What would have been is counted, so that you can see first.';
  const value = after.metric === 'credits' ? after.credits : after.rate;
  const was = before && before.mode === 'enforce' ? (before.metric === 'credits' ? before.credits : before.rate) : null;
  if (value === 0) return 'Every request that it binds is refused within a second. What runs may finish.';
  if (was === null || was === undefined) return after.metric === 'credits' ? 'Requests are refused within a second once what was used in this window reaches it. What was used so far counts.' : 'Requests beyond it are refused with the time to wait.';
  if (value! < was) return 'Lower than now: who has used more is refused within a second. What runs may finish.';
  return value! > was ? 'Higher than now: requests that were refused may pass within a second.' : 'The amount stays as it is.';
}
