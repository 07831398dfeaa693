import { describe, expect, it } from 'vitest';
import { paysNext, whatToDo } from './pays';

const quota = {
  personal_quota: 10_000,
  used_tokens: 3_500,
  available_quota: 6_500,
  team_pool_available: 15_000,
  base_quota: 10_000,
  unit: 'credits',
  window_start: '2026-10-31T23:00:00Z',
  resets_at: '2026-11-30T23:00:00Z',
  tz: 'Europe/Oslo',
  held: 0,
  source: { level: 'user' },
  overdraft_limit: 5_000,
  overdraft_used: 0,
  blocked_by: null,
};

describe('what pays next', () => {
  it('is the personal quota first', () => expect(paysNext(quota)).toEqual({ who: 'Your personal quota', why: '6,500 credits, then the team pool, up to 15,000.', tone: 'ok' }));
  it('is the pool when that is used up', () => expect(paysNext({ ...quota, available_quota: 0 })).toMatchObject({ who: 'Your team’s pool', tone: 'warn' }));
  it('is nothing when both are, and then an overdraft is told of', () => {
    const payer = paysNext({ ...quota, available_quota: 0, team_pool_available: 0 });
    expect(payer).toMatchObject({ who: 'Nothing: a request would be refused', tone: 'bad' });
    expect(payer.why).toContain('X-Priority: critical 5,000 more');
  });
  it('is nothing while something blocks, whatever is left', () => {
    expect(paysNext({ ...quota, blocked_by: 'organization_budget_exceeded' }).why).toContain('The organisation has reached its cap.');
    expect(paysNext({ ...quota, blocked_by: 'a_code_of_tomorrow' }).why).toContain('a_code_of_tomorrow');
  });
});

it('says what to do only when it is needed', () => {
  expect(whatToDo(quota)).toBeNull();
  expect(whatToDo({ ...quota, available_quota: 0, team_pool_available: 0 })).toContain('team admin');
});
