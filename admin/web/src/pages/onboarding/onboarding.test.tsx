import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { answering, owner, show } from '@/testing/render';
import Onboarding from './Onboarding';

const admin = { ...owner, permissions: new Set(['putOnboarding', 'createDemo', 'deleteDemo']) };
const step = (id: string, title: string, done: boolean, detail: string, at: string | null = null) => ({ id, title, done, detail, at, checked_at: '2026-11-20T00:00:00Z' });
const demo = { body: { present: true, people: 12, teams: 3, requests: 900, created_at: '2026-11-20T00:00:00Z' } };

test('shows the steps that exist, which are done, and the way to the next one', async () => {
  answering({
    'GET /v1/admin/onboarding': { body: { done: false, dismissed: false, steps: [step('organization', 'Name it', true, 'Company, Europe/Oslo.'), step('first_request', 'Send a first request', false, 'No request has been recorded yet.'), step('team', 'Make a team', false, 'There is no team yet.')] } },
    'GET /v1/admin/demo': demo,
  });
  await show(<Onboarding />, { session: admin });
  expect(await screen.findByText('1 of 3 done')).toBeVisible();
  expect(screen.getByText(/http:\/\/localhost:8000\/v1\/chat\/completions/)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Add a team' })).toHaveAttribute('href', '/static/teams?add=true');
  expect(screen.queryByText(/alert/i)).toBeNull();
});

test('demo data is removed in one click', async () => {
  const asked = answering({ 'GET /v1/admin/onboarding': { body: { done: true, dismissed: false, steps: [] } }, 'GET /v1/admin/demo': demo, 'DELETE /v1/admin/demo': { status: 204 } });
  const { user } = await show(<Onboarding />, { session: admin });
  await user.click(await screen.findByRole('button', { name: 'Remove demo data' }));
  await screen.findByRole('button', { name: 'Remove demo data' });
  expect(asked.some((a) => a.method === 'DELETE' && a.path === '/v1/admin/demo')).toBe(true);
});
