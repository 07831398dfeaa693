import { configure, fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { answering, owner, show } from '@/testing/render';
import type { Person } from './filters';
import Users from './Users';

// A machine that does much else.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

const type = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });

const may = { ...owner, permissions: new Set(['createUser', 'updateUser', 'deleteUser', 'createJob', 'exportUsers', 'putMyView']) };

function person(id: string, name: string, over: Partial<Person> = {}): Person {
  return {
    id, name, email: `${id}@company.com`, status: 'active', vacation_until: null, access_role: 'member', department_id: null, personal_quota: 5000, effective_quota: 5000, source: { level: 'user' }, max_priority: 'critical',
    teams: [], used_tokens: 4000, used_percent: 80, last_seen_at: null, created_at: '2026-11-01T00:00:00Z', updated_at: '2026-11-01T00:00:00Z', ...over,
  };
}

const grace = person('usr_grace', 'Grace Hopper');
const rest = { 'GET /v1/users/me/views': { body: { data: [] } }, 'GET /v1/admin/teams': { body: { data: [], has_more: false, next_cursor: null } }, 'GET /v1/admin/departments': { body: { data: [] } } };
const page = (data: Person[]) => ({ body: { data, has_more: false, next_cursor: null, total: data.length } });

it('asks the server for what the address says, and says how many match', async () => {
  const asked = answering({ ...rest, 'GET /v1/admin/users': page([grace, person('usr_ada', 'Ada Lovelace')]) });
  await show(<Users />, { session: may, path: '/users', at: '/users?status=active&used=80&sort=-used' });
  expect(await screen.findByText('2 people match.')).toBeVisible();
  const query = new URLSearchParams(asked.find((a) => a.path === '/v1/admin/users')!.query);
  expect(Object.fromEntries(query)).toEqual({ status: 'active', used_over: '80', sort: '-used', limit: '100' });
});

it('tells nobody there from nobody who matches', async () => {
  answering({ ...rest, 'GET /v1/admin/users': page([]) });
  await show(<Users />, { session: may, path: '/users', at: '/users?q=zz' });
  expect(await screen.findByText('Nobody matches')).toBeVisible();
  expect(screen.queryByText('Nobody here yet')).toBeNull();
});

it('says why the list cannot be shown, with the request, and tries again', async () => {
  const asked = answering({ ...rest, 'GET /v1/admin/users': { status: 503, body: { detail: 'The record does not answer.', error: { code: 'unavailable', message: 'The record does not answer.' } }, headers: { 'X-Request-ID': 'req_1' } } });
  await show(<Users />, { session: may, path: '/users', at: '/users' });
  expect(await screen.findByText('req_1')).toBeVisible();
  const before = asked.filter((a) => a.path === '/v1/admin/users').length;
  fireEvent.click(screen.getByText('Try again'));
  await waitFor(() => expect(asked.filter((a) => a.path === '/v1/admin/users').length).toBeGreaterThan(before));
});

it('adds a user and lets go of the key only when it is saved', async () => {
  const asked = answering({ ...rest, 'GET /v1/admin/users': page([grace]), 'POST /v1/admin/users': { status: 201, body: { ...person('usr_new', 'New User'), api_key: 'tp-shown-once' } } });
  await show(<Users />, { session: may, path: '/users', at: '/users?add=true' });
  type(await screen.findByLabelText(/^Name/), 'New User');
  type(screen.getByLabelText(/^Email/), 'new@company.com');
  type(screen.getByLabelText('Quota'), '5000');
  fireEvent.submit(screen.getByLabelText('Quota').closest('form')!);
  expect(await screen.findByText('tp-shown-once')).toBeVisible();
  expect(asked.find((a) => a.method === 'POST')!.body).toEqual({ name: 'New User', email: 'new@company.com', personal_quota: 5000 });
  expect(screen.getByText('Done').closest('button')).toBeDisabled();
  fireEvent.click(screen.getByLabelText('I have saved it'));
  fireEvent.click(screen.getByText('Done').closest('button')!);
  await waitFor(() => expect(screen.queryByText('tp-shown-once')).toBeNull());
});

it('keeps what was typed when somebody else was faster', async () => {
  const answers: Parameters<typeof answering>[0] = { ...rest, 'GET /v1/admin/users': page([grace]), 'GET /v1/admin/users/usr_grace': { body: grace, headers: { ETag: '"1"' } } };
  const asked = answering(answers);
  await show(<Users />, { session: may, path: '/users', at: '/users?edit=usr_grace' });
  const name = await screen.findByLabelText(/^Name/);
  type(name, 'Grace M. Hopper');
  answers['PATCH /v1/admin/users/usr_grace'] = { status: 412, body: { error: { code: 'precondition_failed', message: 'Changed.' } } };
  answers['GET /v1/admin/users/usr_grace'] = { body: { ...grace, personal_quota: 8000 }, headers: { ETag: '"2"' } };
  fireEvent.submit(name.closest('form')!);
  expect(await screen.findByText('Somebody else changed this person in the meantime')).toBeVisible();
  expect(name).toHaveValue('Grace M. Hopper');
  answers['PATCH /v1/admin/users/usr_grace'] = { body: grace };
  fireEvent.submit(name.closest('form')!);
  await waitFor(() => expect(asked.filter((a) => a.method === 'PATCH')).toHaveLength(2));
  const [first, second] = asked.filter((a) => a.method === 'PATCH');
  expect([first!.headers.get('If-Match'), second!.headers.get('If-Match')]).toEqual(['"1"', '"2"']);
  expect(second!.body).toEqual({ name: 'Grace M. Hopper' });
});
