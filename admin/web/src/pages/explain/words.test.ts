import { expect, it } from 'vitest';
import { askMail, forSupport, inWords, outcomeOf, passing, standing, type Decision } from './words';

const refused: Decision = {
  id: 'dec_1', request_id: 'req_1', user: 'user_1', person: { id: 'user_1', name: 'Ann', email: 'ann@company.com' }, key: 'key_1', key_prefix: 'tp-4f2a', at: '2026-11-23T10:00:00Z', allowed: false,
  code: 'user_quota_exceeded', title: 'Personal quota is used up', detail: '0 of 10,000 left.', model: 'gpt-4', priority: 'normal', priority_lowered: false, need: 20, want: 1312,
  limit: 10_000, remaining: 0, retry: false, unit: 'credits', tz: 'UTC', checks_known: true,
  checks: [{ kind: 'leg', subject: 'user_1', name: 'Ann', outcome: 'fail', title: 'Personal quota', detail: '0 of 10,000 left', limit: 10_000, settled: 9620, held: 380, left: 0, rate: null }],
  passes: [{ kind: 'credits', detail: 'with 1,312 more credits', credits: 1312 }], next_steps: [], ask_whom: [{ name: 'Bea & Co', email: 'bea@company.com', why: 'administers Engineering' }],
} as unknown as Decision;

it('says whether trying again helps', () => {
  expect(outcomeOf(refused)).toBe('refused');
  expect(outcomeOf({ ...refused, retry: true })).toBe('refused, try again');
  expect(outcomeOf({ ...refused, allowed: true })).toBe('allowed');
});

it('writes figures as every page does, and times in the window’s zone', () => {
  expect(inWords({ ...refused, resets_at: '2026-12-01T00:00:00Z' })).toMatch(/^This request needs at least 20 credits, and 0 of 10,000 are left\. Resets .*1 Dec 2026|Dec 1, 2026/);
  expect(inWords({ ...refused, retry: true })).toBe(refused.detail);
  expect(standing(refused.checks[0]!)).toBe('0 of 10,000 left, 380 held by requests in flight.');
  expect(standing({ ...refused.checks[0]!, left: null, detail: 'The limit is 10.' })).toBe('The limit is 10.');
  expect(passing(refused.passes[0]!, 'credits')).toBe('with 1,312 more credits in this window');
});

it('gives support everything but the key', () => {
  const text = forSupport(refused, 'http://alfred/static/explain/dec_1');
  for (const part of ['user_quota_exceeded', 'ann@company.com', '[fail] Personal quota', 'dec_1', 'req_1', 'http://alfred/static/explain/dec_1', '1,312']) expect(text).toContain(part);
});

it('writes the message, with what would have been enough', () => {
  const mail = new URL(askMail(refused, refused.ask_whom[0]!, 'http://alfred/x'));
  expect(mail.protocol).toBe('mailto:');
  expect(decodeURIComponent(mail.pathname)).toBe('bea@company.com');
  const body = mail.searchParams.get('body')!;
  expect(body).toContain('Bea & Co');
  expect(body).toContain('1,312 more credits would have been enough');
  expect(body).toContain('http://alfred/x');
});
