import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { answering, show } from '@/testing/render';
import { calendarWords, changeOf, valuesOf, type Organization } from './fields';
import Settings from './Settings';

const hostile = '<b onmouseover=alert(1)>x</b>';
const organisation = (pool: number): Organization => ({
  id: 'org_1',
  name: hostile,
  settings: { zone: 'Europe/Oslo', window: { kind: 'monthly' }, unit_name: 'credits', default_personal_quota: 1000, default_team_pool: pool, vacation_share_percentage: 10, critical_overdraft_limit: 5000, default_max_priority: 'critical', pool_sharing: 'equal', transfer_free_limit: 5000, transfers_by: 'members', force_privacy: false, fail_mode: 'deny' },
  created_at: '2026-11-01T00:00:00Z',
  updated_at: '2026-11-01T00:00:00Z',
});

test('only what was changed is sent; a window is sent whole', () => {
  const was = valuesOf(organisation(10000));
  expect(changeOf(was, { ...was, default_team_pool: 20000 })).toEqual({ settings: { default_team_pool: 20000 } });
  expect(changeOf(was, { ...was, name: 'Company' })).toEqual({ name: 'Company' });
  expect(changeOf(was, { ...was, window_kind: 'weekly', week_start: '0' })).toEqual({ settings: { window: { kind: 'weekly', week_start: 0 } } });
});

test('over a planned change, zone and window are both said', () => {
  const was = valuesOf(organisation(10000));
  expect(changeOf(was, { ...was, zone: 'UTC' }, true)).toEqual({ settings: { zone: 'UTC', window: { kind: 'monthly', anchor_day: 1 } } });
  expect(changeOf(was, { ...was, default_team_pool: 5 }, true)).toEqual({ settings: { default_team_pool: 5 } });
  expect(changeOf(was, { ...was, zone: 'UTC' })).toEqual({ settings: { zone: 'UTC' } });
});

test('a window in words', () => {
  expect(calendarWords({ zone: 'UTC', window: { kind: 'monthly', anchor_day: 15 } })).toBe('every month from day 15, UTC');
  expect(calendarWords({ zone: 'UTC', window: { kind: 'weekly', week_start: 0 } })).toBe('every week from Sunday, UTC');
  expect(calendarWords({ zone: 'Europe/Oslo', window: { kind: 'yearly', fiscal_month: 4 } })).toBe('every year, the year from April, Europe/Oslo');
});

test('what changes is shown before it is saved, and a planned window with its day', async () => {
  const before = organisation(10000);
  const after = { ...before, settings: { ...before.settings, default_personal_quota: 2000, next_window: { zone: 'UTC', window: { kind: 'weekly' as const }, from: '2026-11-30T23:00:00Z' } } };
  const asked = answering({
    'GET /v1/admin/organization': { body: { ...before, settings: { ...before.settings, next_window: { zone: 'UTC', window: { kind: 'daily' }, from: '2026-11-30T23:00:00Z' } } }, headers: { ETag: '"v7"' } },
    'GET /v1/admin/settings': { status: 404 },
    'GET /v1/admin/demo': { status: 404 },
    'PATCH /v1/admin/organization': { body: { dry_run: true, changes: [{ action: 'organization.update', subject: 'org_1', before, after }] } },
  });
  const { user } = await show(<Settings />);
  expect(await screen.findByText(/^From .*2026: every day, UTC$/)).toBeVisible();
  const quota = screen.getByRole('textbox', { name: 'Personal quota' });
  await user.clear(quota);
  await user.type(quota, '2000');
  await user.click(screen.getByRole('button', { name: 'Review changes' }));
  const review = await screen.findByRole('dialog');
  expect(review).toHaveTextContent('1,000');
  expect(review).toHaveTextContent('2,000');
  expect(review).toHaveTextContent('People without a quota of their own whose team sets none.');
  const looked = asked.filter((a) => a.method === 'PATCH');
  expect(looked.map((a) => [a.query, a.headers.get('If-Match')])).toEqual([['?dry_run=true', '"v7"']]);
  await user.click(screen.getByRole('button', { name: 'Save settings' }));
  await waitFor(() => expect(asked.filter((a) => a.method === 'PATCH').map((a) => a.query)).toEqual(['?dry_run=true', '']));
});

test('two admins: what was typed stays, what somebody else changed is told and kept', async () => {
  let reads = 0;
  const asked = answering({
    get 'GET /v1/admin/organization'() {
      reads++;
      return { body: organisation(reads > 1 ? 30000 : 10000), headers: { ETag: `"${reads}"` } };
    },
    'GET /v1/admin/settings': {
      body: {
        organization: organisation(10000),
        public_url: 'http://localhost:8000',
        environment: 'development',
        variables: [
          { name: 'DEFAULT_TEAM_POOL', description: 'The pool of teams.', environment: '5000', in_force: '10000', source: 'record', setting: 'default_team_pool', secret: false },
          { name: 'SLACK_WEBHOOK_URL', description: 'Where notices go.', environment: null, in_force: null, source: 'default', secret: true },
        ],
      },
    },
    'GET /v1/admin/demo': { body: { present: false, people: 0, teams: 0, requests: 0, created_at: null } },
    'PATCH /v1/admin/organization': { status: 412, body: { error: { code: 'precondition_failed', message: 'It was changed.' } } },
  });
  const { user } = await show(<Settings />);
  expect(await screen.findByDisplayValue(hostile)).toBeVisible();
  expect(await screen.findByText('differs')).toBeVisible();
  const quota = screen.getByRole('textbox', { name: 'Personal quota' });
  await user.clear(quota);
  await user.type(quota, '2000');
  await user.click(screen.getByRole('button', { name: 'Review changes' }));
  expect(await screen.findByText('Team pool is now 30,000')).toBeVisible();
  expect(quota).toHaveValue('2,000');
  await user.click(screen.getByRole('button', { name: 'Review changes' }));
  await waitFor(() => expect(asked.filter((a) => a.method === 'PATCH').length).toBe(2));
  const [first, second] = asked.filter((a) => a.method === 'PATCH');
  expect(first!.body).toEqual({ settings: { default_personal_quota: 2000 } });
  expect(second!.body).toEqual({ settings: { default_personal_quota: 2000 } });
  expect(second!.headers.get('If-Match')).toBe('"2"');
});
