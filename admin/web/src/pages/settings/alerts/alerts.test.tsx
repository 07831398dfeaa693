import { screen, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { answering, owner, show } from '@/testing/render';
import { Channels } from './Channels';
import { budgetName, budgetPage, froms, hears, type Alert } from './words';

const delivery = { id: 'dlv_1', channel_id: 'chn_1', about: 'alert', text: 'x', state: 'delivered', attempts: 1, detail: '', created_at: '2026-11-20T00:00:00Z', next_at: null, ended_at: '2026-11-20T00:00:00Z' };
const channel = { id: 'chn_1', kind: 'slack', name: '#costs', address: 'hooks.slack.com/…x7Yq', source: 'record', from_percent: 90, transfers: true, state: 'working', last_delivery: delivery, created_at: null, updated_at: null };
const admin = { ...owner, permissions: new Set(['createChannel', 'updateChannel', 'testChannel']) };

test('says what a channel hears, and from which thresholds on it may', () => {
  expect(hears({ from_percent: 90, transfers: true })).toBe('alerts from 90 %, transfers');
  expect(hears({ from_percent: 100, transfers: false })).toBe('alerts at 100 %');
  expect(hears({ from_percent: 0, transfers: false })).toBe('nothing');
  expect(froms([50, 90], 77).map((f) => f.value)).toEqual(['50', '77', '90', '100', '0']);
});

test('leads from an alert to its budget', () => {
  const alert = (kind: Alert['kind'], subject: string) => ({ kind, subject, name: 'Core' }) as Alert;
  expect([budgetName(alert('pool', 'team_1')), budgetPage(alert('pool', 'team_1'))]).toEqual(['Pool of Core', '/teams/team_1']);
  expect([budgetName(alert('model', 'gpt-4')), budgetPage(alert('model', 'gpt-4'))]).toEqual(['Cap of model Core', '/settings?part=limits']);
});

test('lists channels with whether they work, and says when nothing is sent', async () => {
  answering({ 'GET /v1/admin/channels': { body: { sending: false, data: [{ ...channel, state: 'off' }, { ...channel, id: 'environment', name: 'SLACK_WEBHOOK_URL', source: 'environment', state: 'off' }] } } });
  await show(<Channels />, { session: admin });
  expect(await screen.findByText('Nothing is sent')).toBeVisible();
  expect(screen.getAllByText('off')).toHaveLength(2);
});

test('a server that refuses an address says so at the field, which keeps what was typed', async () => {
  const asked = answering({
    'GET /v1/admin/channels': { body: { sending: true, data: [] } },
    'GET /v1/admin/settings': { body: { organization: { settings: { alert_thresholds: [50] } } } },
    'POST /v1/admin/channels': { status: 422, body: { type: 'about:blank', title: 'Not valid', status: 422, detail: 'address: 10.0.0.1 is not a public address', code: 'validation_failed', error: { param: 'address', message: 'address: 10.0.0.1 is not a public address', code: 'validation_failed', type: 'invalid_request_error' } } },
  });
  const { user } = await show(<Channels />, { session: admin });
  await user.click((await screen.findAllByRole('button', { name: 'Add channel' }))[0]!);
  const form = within(await screen.findByRole('dialog'));
  await user.type(form.getByLabelText(/^Name/), '#costs');
  await user.type(form.getByLabelText(/^Webhook address/), 'https://10.0.0.1/hook');
  await user.click(form.getByRole('button', { name: 'Add and send a test' }));
  expect(await form.findByText(/is not a public address/)).toBeVisible();
  expect(form.getByLabelText(/^Webhook address/)).toHaveValue('https://10.0.0.1/hook');
  expect(asked.some((a) => a.path.endsWith('/test'))).toBe(false);
});
