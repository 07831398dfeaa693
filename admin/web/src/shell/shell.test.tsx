import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { Problem } from '../api/problem';
import { answering, show } from '../testing/render';
import { windows } from './controls';
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
