import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { answering, owner, show } from '@/testing/render';
import { bodyOf, effectsOf, missing, sumOf, type Entry } from './balance';
import { dayStart, nextDay } from './days';
import Reallocation from './Reallocation';

const admin = { ...owner, permissions: new Set(['listTransfers', 'createReallocation']) };
const hostile = '"><script>alert(1)</script>';
const ada = { id: 'usr_a', name: 'Ada', email: 'ada@company.com' };
const mira = { id: 'usr_m', name: 'Mira', email: 'mira@company.com' };
const of = (person: Entry['person'], amount: number | string): Entry => ({ kind: 'person', person, team: null, amount });

test('a reallocation is sent when it is balanced, whole and told why', () => {
  expect(sumOf([{ amount: 0.1 }, { amount: 0.2 }, { amount: -0.3 }])).toBe(0);
  expect(missing([of(ada, -500), of(null, 500)], 'r')).toMatch(/every line/);
  expect(missing([of(ada, -500), of(mira, '')], 'r')).toMatch(/amount/);
  expect(missing([of(ada, -500), of(ada, 500)], 'r')).toMatch(/two lines/);
  expect(missing([of(ada, -500), of(mira, 400)], 'r')).toMatch(/the same/);
  expect(missing([of(ada, -500), of(mira, 500)], ' ')).toMatch(/why/);
  expect(missing([of(ada, -500), of(mira, 500)], 'r')).toBeNull();
  expect(bodyOf([of(ada, -500), { kind: 'team', person: null, team: { id: 'tm_1', name: 'Core' }, amount: 500 }], ' r ')).toEqual({ entries: [{ user_id: 'usr_a', amount: -500 }, { team_id: 'tm_1', amount: 500 }], reason: 'r' });
});

test('a preview tells what is not known as unknown', () => {
  expect(effectsOf([{ action: 'reallocation.create', subject: 'usr_a', before: { available: 6500 }, after: { available: 6000, amount: -500 } }, { action: 'other', subject: 'x' }])).toEqual([{ subject: 'usr_a', amount: -500, before: 6500, after: 6000 }]);
  expect(effectsOf([{ action: 'reallocation.create', subject: 'usr_a' }])[0]).toMatchObject({ before: null, after: null });
});

test('a day begins and ends in the organisation’s zone, the day of a change included', () => {
  expect(dayStart('2026-11-14', 'Europe/Oslo')).toBe('2026-11-13T23:00:00.000Z');
  expect(nextDay('2026-10-25', 'Europe/Oslo')).toBe('2026-10-25T23:00:00.000Z');
  expect(dayStart('2026-10-25', 'Europe/Oslo')).toBe('2026-10-24T22:00:00.000Z');
  expect(dayStart('yesterday', 'Europe/Oslo')).toBeUndefined();
});

const transfer = { id: 'trf_1', sender_id: 'usr_a', sender_email: ada.email, recipient_id: 'usr_m', recipient_email: mira.email, amount: 1000, reason: hostile, expires_at: '2026-11-30T23:00:00Z', kind: 'transfer', created_at: '2026-11-14T10:00:00Z' };
const quota = { body: { available_quota: 6500 } };
const people = { body: { data: [ada, mira].map((p) => ({ ...p, status: 'active', teams: [] })), has_more: false, next_cursor: null } };

test('the history is filtered by date and amount, in the address and at the server', async () => {
  const asked = answering({ 'GET /v1/admin/transfers': { body: { data: [transfer], has_more: false, next_cursor: null } }, 'GET /v1/admin/users': people });
  await show(<Reallocation />, { session: admin, at: '/?from=2026-11-14&until=2026-11-14&min=100' });
  expect(await screen.findByText(hostile)).toBeVisible();
  expect(document.querySelector('main script')).toBeNull();
  const query = new URLSearchParams(asked.find((a) => a.path === '/v1/admin/transfers')!.query);
  expect(query.get('from')).toBe('2026-11-13T23:00:00.000Z');
  expect(query.get('until')).toBe('2026-11-14T23:00:00.000Z');
  expect(query.get('min_amount')).toBe('100');
});

test('none that match and never any are told apart', async () => {
  answering({ 'GET /v1/admin/transfers': { body: { data: [], has_more: false, next_cursor: null } }, 'GET /v1/admin/users': people });
  const { unmount } = await show(<Reallocation />, { session: admin, at: '/?min=5' });
  expect(await screen.findByText('No transfer matches these filters')).toBeVisible();
  unmount();
  await show(<Reallocation />, { session: admin });
  expect(await screen.findByText('No transfers yet')).toBeVisible();
});

test('a transfer by keyboard alone; what was typed stays when the server says no', async () => {
  const answers: Parameters<typeof answering>[0] = {
    'GET /v1/users/me/transfers': { body: { sent: [], received: [], total_sent: 0, total_received: 0 } },
    'GET /v1/users/me/quota': quota,
    'POST /v1/users/me/transfer': { status: 404, body: { error: { code: 'recipient_unknown', message: 'Nobody has this address.', param: 'recipient_email' } } },
  };
  const asked = answering(answers);
  const { user } = await show(<Reallocation />, { session: { ...owner, role: 'member' } });
  const button = (await screen.findAllByRole('button', { name: 'New transfer' }))[0]!;
  button.focus();
  await user.keyboard('{Enter}');
  const dialog = await screen.findByRole('dialog');
  await screen.findByText(/6,500 credits are available/);
  const to = within(dialog).getByRole('textbox', { name: /Recipient/ });
  to.focus();
  await user.keyboard('colleague@company.com{Tab}1000{Tab}Project deadline support{Tab}{Tab}{Enter}');
  expect(await within(dialog).findByText('Nobody has this address.')).toBeVisible();
  expect(to).toHaveValue('colleague@company.com');
  expect(asked.find((a) => a.method === 'POST')!.body).toEqual({ recipient_email: 'colleague@company.com', amount: 1000, reason: 'Project deadline support' });
  answers['POST /v1/users/me/transfer'] = { status: 201, body: transfer };
  await user.click(within(dialog).getByRole('button', { name: 'Move 1,000 credits' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

test('a reallocation shows who is touched before it happens', async () => {
  const asked = answering({
    'GET /v1/admin/transfers': { body: { data: [], has_more: false, next_cursor: null } },
    'GET /v1/admin/users': people,
    'GET /v1/admin/teams': { body: { data: [], has_more: false, next_cursor: null } },
    'POST /v1/admin/reallocations': {
      body: {
        dry_run: true,
        changes: [
          { action: 'reallocation.create', subject: 'usr_a', before: { available: 6500 }, after: { available: 6000, amount: -500 } },
          { action: 'reallocation.create', subject: 'usr_m', before: { available: 100 }, after: { available: 600, amount: 500 } },
        ],
      },
    },
  });
  const { user } = await show(<Reallocation />, { session: admin, at: '/?form=reallocate' });
  const dialog = await screen.findByRole('dialog');
  for (const [i, name, amount] of [[0, 'Ada', '-500'], [1, 'Mira', '500']] as const) {
    const line = within(dialog).getAllByRole('group', { name: /^Line/ })[i]!;
    await user.click(within(line).getByRole('combobox', { name: 'Person' }));
    await user.click((await screen.findAllByRole('option', { name: new RegExp(name) })).at(-1)!);
    await user.type(within(line).getByRole('textbox', { name: /Credits/ }), amount);
  }
  expect(within(dialog).getByText('Balanced')).toBeVisible();
  await user.type(within(dialog).getByRole('textbox', { name: /Reason/ }), 'Deadline');
  await user.click(within(dialog).getByRole('button', { name: 'Preview' }));
  expect(await within(dialog).findByText('6,000')).toBeVisible();
  await user.click(within(dialog).getByRole('button', { name: 'Move 500 credits' }));
  await waitFor(() => expect(asked.filter((a) => a.method === 'POST').length).toBe(2));
  const [dry, real] = asked.filter((a) => a.method === 'POST');
  expect(dry!.query).toBe('?dry_run=true');
  expect(real!.query).toBe('');
  expect(real!.body).toEqual(dry!.body);
});
