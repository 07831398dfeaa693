import type { components } from '@/api';
import { number } from '@/format';

type Quota = components['schemas']['Quota'];

export interface Payer {
  /** Who pays for the next request. */
  who: string;
  /** What it can carry, and what comes after it. */
  why: string;
  tone: 'ok' | 'warn' | 'bad';
}

/** What pays for the next request: the personal quota, then the pools, then an overdraft. */
export function paysNext(q: Quota): Payer {
  const unit = q.unit || 'credits';
  const overdraft = Math.max(q.overdraft_limit - q.overdraft_used, 0);
  const rescue = overdraft >= 1 ? ` With X-Priority: critical ${number(overdraft)} more could be overdrawn.` : '';
  if (q.blocked_by) {
    return { who: 'Nothing: a request would be refused', why: `${told(q.blocked_by)}${rescue}`, tone: 'bad' };
  }
  if (q.available_quota > 0) {
    const after = q.team_pool_available > 0 ? `then the team pool, up to ${number(q.team_pool_available)}` : overdraft >= 1 ? 'then nothing but an overdraft' : 'then nothing';
    return { who: 'Your personal quota', why: `${number(q.available_quota)} ${unit}, ${after}.`, tone: 'ok' };
  }
  if (q.team_pool_available > 0) {
    return { who: 'Your team’s pool', why: `Your own quota is used up. Your share still carries ${number(q.team_pool_available)} ${unit}.`, tone: 'warn' };
  }
  return { who: 'Nothing: a request would be refused', why: `Your quota and the pools are used up.${rescue}`, tone: 'bad' };
}

const reasons: Record<string, string> = {
  user_quota_exceeded: 'Your quota is used up, and no pool carries you.',
  team_pool_exceeded: 'Your share of the team’s pool is used up.',
  team_budget_exceeded: 'Your team has reached its cap.',
  department_budget_exceeded: 'Your department has reached its cap.',
  organization_budget_exceeded: 'The organisation has reached its cap.',
  quota_held: 'All that is left is held by requests that are running. It may come back within seconds.',
  user_suspended: 'Your access is suspended.',
};

function told(code: string): string {
  return reasons[code] ?? `The reason is ${code}.`;
}

/** What a person can do about a limit, in order. */
export function whatToDo(q: Quota): string | null {
  if (!q.blocked_by && (q.available_quota > 0 || q.team_pool_available > 0)) return null;
  return 'Ask a colleague to move credits to you, ask your team admin for more, or wait for the reset.';
}
