import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { Problem } from '../api/problem';
import { answering, show } from '../testing/render';
import { windows } from './controls';
import { Inbox } from './Inbox';
import { refusal, shaped } from './refusal';
import { SignIn } from './SignIn';

describe('signing in', () => {
  it('tells a wrong key by its looks before asking', async () => {
    const asked = answering({});
    const { user } = await show(<SignIn ended={false} />);
    await user.type(screen.getByLabelText('API key'), 'sk-proj-1{Enter}');
    expect(screen.getByText(/A key of Alfred starts with tp-/)).toBeInTheDocument();
    expect(asked).toEqual([]);
  });

  it('says why the server refuses and keeps what was typed', async () => {
    answering({ 'POST /v1/auth/session': { status: 403, body: { error: { code: 'user_suspended', message: 'Suspended.' } }, headers: { 'X-Request-ID': 'req_9' } } });
    const { user } = await show(<SignIn ended />);
    expect(screen.getByText('Your session has ended')).toBeInTheDocument();
    await user.type(screen.getByLabelText('API key'), 'tp-abc{Enter}');
    expect(await screen.findByText('Your access is suspended')).toBeInTheDocument();
    expect(screen.getByText('req_9')).toBeInTheDocument();
    expect(screen.getByLabelText('API key')).toHaveValue('tp-abc');
  });

  it.each([
    ['invalid_api_key', 401, 'This key is not known here'],
    ['key_revoked', 401, 'This key was revoked'],
    ['key_expired', 401, 'This key has expired'],
    ['too_many_attempts', 429, 'Too many attempts'],
    ['unavailable', 503, 'Alfred cannot check keys at the moment'],
  ])('has words for %s', (code, status, title) => {
    expect(refusal(new Problem({ status, code, message: 'x' })).title).toBe(title);
  });

  it('has words for a server that does not answer', () => expect(refusal(Problem.unreachable()).title).toBe('Alfred does not answer'));

  it('takes the space around a key for a slip and the one inside for a fault', () => {
    expect(shaped('  tp-abc \n')).toBeNull();
    expect(shaped('tp-a bc')).toContain('space');
    expect(shaped('')).toContain('Enter');
  });
});

describe('the inbox', () => {
  const item = (id: string, kind: string, ref: string, read_at?: string) => ({ id, kind, title: `About ${id}`, body: 'So it is.', ref, created_at: '2026-11-20T00:00:00Z', ...(read_at && { read_at }) });

  it('counts what was not read, leads to what it is about, and is read at once', async () => {
    const asked = answering({
      'GET /v1/users/me/inbox': { body: { data: [item('1', 'budget_threshold', 'team_7'), item('2', 'credits_received', 'trf_1', '2026-11-21T00:00:00Z'), item('3', 'channel_failing', 'chn_1'), item('4', 'budget_threshold', 'usr_owner')] } },
      'POST /v1/users/me/inbox/read': { status: 204 },
    });
    const { user } = await show(<Inbox />);
    await user.click(await screen.findByRole('button', { name: 'Inbox, 4 unread' }));
    expect(await screen.findByRole('link', { name: 'Unread: About 1' })).toHaveAttribute('href', '/teams/team_7');
    expect(screen.getByRole('link', { name: 'About 2' })).toHaveAttribute('href', '/my-usage');
    expect(screen.getByRole('link', { name: 'Unread: About 3' })).toHaveAttribute('href', '/settings?part=alerts&open=chn_1');
    expect(screen.getByRole('link', { name: 'Unread: About 4' })).toHaveAttribute('href', '/my-usage'); // Settings are not everybody's
    await user.click(screen.getByRole('button', { name: 'Mark all as read' }));
    expect(asked.some((a) => a.method === 'POST' && a.path === '/v1/users/me/inbox/read')).toBe(true);
  });

  it('says nothing of a count that it could not ask for, and why the list is not there', async () => {
    answering({ 'GET /v1/users/me/inbox': { status: 503, body: { error: { code: 'unavailable', message: 'The record does not answer.' } } } });
    const { user } = await show(<Inbox />);
    await user.click(await screen.findByRole('button', { name: 'Inbox' }));
    expect(await screen.findByText(/The record does not answer/)).toBeVisible();
  });
});

describe('windows', () => {
  it('goes back by a month of its zone, daylight saving included', () => {
    const [now, last] = windows({ start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', zone: 'Europe/Oslo' });
    expect(now).toMatchObject({ window: 'current' });
    expect(last).toMatchObject({ window: 'previous', start: '2026-09-30T22:00:00.000Z', end: '2026-10-31T23:00:00Z' });
  });
  it('goes back by days where it is not a month', () => {
    expect(windows({ start: '2026-11-16T00:00:00Z', end: '2026-11-23T00:00:00Z', zone: 'UTC' })[1]).toMatchObject({ start: '2026-11-09T00:00:00.000Z' });
  });
  it('has none before one without an end', () => {
    expect(windows({ start: '2026-11-16T00:00:00Z', end: null, zone: 'UTC' })).toHaveLength(1);
  });
});
