import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { owner, answering, show } from '@/testing/render';
import { changed } from './change';
import { againstMedian, shareOf, type Team } from './teams';
import { verdict } from './Simulator';
import Teams from './Teams';
import TeamPage from './Team';

const hostile = '<img src=x onerror=alert(1)>';
const admin = { ...owner, permissions: new Set(['createTeam', 'updateTeam', 'deleteTeam']) };

function team(id: string, more: Partial<Team> = {}): Team {
  return {
    id,
    name: id,
    description: '',
    common_pool: 50000,
    effective_pool: 50000,
    pool_used: 12000,
    pool_held: 500,
    pool_available: 37500,
    pool_sharing: 'equal',
    department_id: null,
    default_quota: null,
    member_count: 3,
    active_count: 2,
    created_at: '2026-11-01T00:00:00Z',
    updated_at: '2026-11-01T00:00:00Z',
    ...more,
  };
}

const page = (...teams: Team[]) => ({
  body: {
    data: teams,
    has_more: false,
    next_cursor: null,
    total: teams.length,
    totals: { teams: teams.length, pool: 50000 * teams.length, used: 12000 * teams.length, held: 500 * teams.length, free: 37500 * teams.length, nearly_empty: 0 },
  },
});
const efficiency = { body: { by: 'team', from: '', until: '', as_of: '', minimum_requests: 50, data: [] } };

test('a share is the pool over the active members, in whole credits', () => {
  expect(shareOf({ effective_pool: 50000, active_count: 3, pool_sharing: 'equal' })).toBe(16666);
  expect(shareOf({ effective_pool: 50000, active_count: 0, pool_sharing: 'equal' })).toBe(0);
  expect(shareOf({ effective_pool: 50000, active_count: 3, pool_sharing: 'open' })).toBeNull();
});

test('only what was changed is sent, and an emptied quota is inherited again', () => {
  const was = { name: 'A', description: '', common_pool: 100, pool_sharing: 'equal', department_id: null, default_quota: 5 } as const;
  expect(changed(was, { ...was, common_pool: 200 })).toEqual({ common_pool: 200 });
  expect(changed(was, { ...was, default_quota: '' })).toEqual({ default_quota: null });
  expect(changed(was, { ...was })).toEqual({});
});

test('ratios and simulations are told in words', () => {
  expect(againstMedian(0.82)).toBe('18 % below the median');
  expect(againstMedian(null)).toBeNull();
  expect(verdict({ share: 2500 }, { pool: 20000, active_count: 23, share: 869, free: 100, below_drawn: 2 })).toContain('1,631 smaller: 869 instead of 2,500. 2 members have drawn more');
});

test('lists teams with their pools, and asks the server for one by its name and for another order', async () => {
  const asked = answering({ 'GET /v1/admin/teams': page(team('Engineering', { against_median: 0.82 }), team('Sales', { name: hostile, against_median: null })) });
  const { user } = await show(<Teams />, { session: admin });
  expect(await screen.findByText(hostile)).toBeVisible();
  expect(document.querySelector('img')).toBeNull();
  expect(screen.getByRole('meter', { name: 'Pool of Engineering' })).toHaveAttribute('aria-valuetext', '12,000 credits used, 500 held, of 50,000, 37,500 free');
  expect(screen.getByRole('region', { name: 'Pools together' })).toHaveTextContent('100,000');
  await user.type(screen.getByRole('searchbox', { name: 'Find a team' }), 'engin');
  await waitFor(() => expect(asked.at(-1)!.query).toContain('q=engin'));
  await user.click(screen.getByRole('button', { name: 'Sort by Free, descending' }));
  await waitFor(() => expect(asked.at(-1)!.query).toContain('sort=-free'));
});

test('without a team there is one button, and it adds one', async () => {
  const asked = answering({ 'GET /v1/admin/teams': page(), 'POST /v1/admin/teams': { status: 201, body: team('tm_1', { name: 'Engineering' }) } });
  const { user, router } = await show(<Teams />, { session: admin });
  expect(await screen.findByText('No teams yet')).toBeVisible();
  await user.click(screen.getAllByRole('button', { name: 'Add Team' })[0]!);
  const dialog = await screen.findByRole('dialog');
  await user.type(within(dialog).getByRole('textbox', { name: /Team name/ }), 'Engineering');
  await user.type(within(dialog).getByRole('textbox', { name: /Pool quota/ }), '50000');
  await user.click(within(dialog).getByRole('button', { name: 'Add team' }));
  await waitFor(() => expect(router.state.location.pathname).toBe('/teams/tm_1'));
  const sent = asked.find((a) => a.method === 'POST')!;
  expect(sent.body).toEqual({ name: 'Engineering', common_pool: 50000, pool_sharing: 'equal', department_id: null });
  expect(sent.headers.get('Idempotency-Key')).toBeTruthy();
});

test('a refusal shows why and its request id', async () => {
  answering({ 'GET /v1/admin/teams': { status: 503, body: { error: { code: 'unavailable', message: 'The record does not answer.' } }, headers: { 'X-Request-ID': 'req_42' } }, 'GET /v1/admin/efficiency': efficiency });
  await show(<Teams />, { session: admin });
  expect(await screen.findByRole('alert')).toHaveTextContent('The record does not answer.');
  expect(screen.getByText('req_42')).toBeVisible();
});

const shares = {
  team_id: 'tm_1',
  unit: 'credits',
  window: { kind: 'monthly', name: '2026-11', start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', tz: 'Europe/Oslo' },
  as_of: '2026-11-20T00:00:00Z',
  pool_sharing: 'equal',
  pool: 50000,
  used: 12000,
  held: 500,
  free: 37500,
  active_count: 2,
  share: 25000,
  members: [
    { user_id: 'usr_1', email: 'ada@company.com', name: 'Ada Lovelace', status: 'active', is_admin: true, share: 25000, drawn: 12000, held: 500, free: 12500, away: false },
    { user_id: 'usr_2', email: 'mira@company.com', name: hostile, status: 'on_vacation', is_admin: false, share: 0, drawn: 0, held: 0, free: 0, away: true },
  ],
};

test('shows shares, who is away, and keeps what was typed when somebody else was faster', async () => {
  const at = '/v1/admin/teams/tm_1';
  let reads = 0;
  const answers: Parameters<typeof answering>[0] = {
    [`GET ${at}/shares`]: { body: shares },
    [`GET ${at}/members`]: { body: { data: [] } },
    'GET /v1/admin/efficiency': efficiency,
    [`PATCH ${at}`]: { status: 412, body: { error: { code: 'precondition_failed', message: 'It was changed.' } } },
    get [`GET ${at}`]() {
      reads++;
      return { body: team('tm_1', { name: 'Engineering', common_pool: reads > 1 ? 60000 : 50000 }), headers: { ETag: `"${reads}"` } };
    },
  };
  const asked = answering(answers);
  const { user } = await show(<TeamPage />, { session: admin, at: '/teams/tm_1', path: '/teams/$team' });
  expect(await screen.findByRole('heading', { name: 'Engineering' })).toBeVisible();
  expect(await screen.findByText(/no share while away/)).toBeVisible();
  expect(screen.getByText('Team admin')).toBeVisible();
  expect(document.querySelector('img[src=x]')).toBeNull();

  await user.click(screen.getByRole('button', { name: 'Edit team' }));
  const dialog = await screen.findByRole('dialog');
  const name = within(dialog).getByRole('textbox', { name: /Team name/ });
  await user.clear(name);
  await user.type(name, 'Engineers');
  await user.click(within(dialog).getByRole('button', { name: 'Save team' }));
  expect(await within(dialog).findByRole('alert')).toHaveTextContent('Pool quota: 60,000');
  expect(name).toHaveValue('Engineers');
  await user.click(within(dialog).getByRole('button', { name: 'Save team' }));
  await waitFor(() => expect(asked.filter((a) => a.method === 'PATCH').length).toBe(2));
  const [first, second] = asked.filter((a) => a.method === 'PATCH');
  expect(first!.body).toEqual({ name: 'Engineers' });
  expect(second!.headers.get('If-Match')).not.toBe(first!.headers.get('If-Match'));
});
