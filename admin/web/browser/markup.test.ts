import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../src/pages';
import { closed, visit, world, type Visit } from './rig';

/** Whatever shows it as markup runs it, which the browser's dialog, the console or the policy tells. */
const xss = `"><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>{{7*7}}`;

let v: Visit;
const made = { user: '', team: '', request: '', program: '', channel: '' };

/** Every free text that the API takes, filled with markup. What fill does not have already. */
beforeAll(async () => {
  v = await visit('owner');
  const call = async (method: string, path: string, data?: unknown, headers: Record<string, string> = {}) => {
    const answer = await v.context.request.fetch(path, { method, data, headers });
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${text}`);
    return (text ? JSON.parse(text) : {}) as Record<string, string>;
  };
  const at = Date.now();
  const team = await call('POST', '/v1/admin/teams', { name: `${xss} ${at}`, description: xss, common_pool: 900 });
  made.team = team.id!;
  const user = await call('POST', '/v1/admin/users', { email: `markup${at}@company.com`, name: xss, personal_quota: 5000 });
  made.user = user.id!;
  await call('POST', `/v1/admin/teams/${team.id}/members/${user.id}?is_admin=true`);
  await call('POST', `/v1/admin/users/${user.id}/keys`, { name: xss.slice(0, 100) });
  const department = await call('POST', '/v1/admin/departments', { name: `${xss} ${at}`, cost_center: xss.slice(0, 100) });
  await call('PATCH', `/v1/admin/users/${user.id}`, { department_id: department.id });
  const project = await call('POST', '/v1/admin/projects', { code: `markup-${at}`, name: xss });
  await call('POST', `/v1/admin/projects/${project.id}/members/${user.id}`);
  await call('POST', '/v1/users/me/transfer', { recipient_email: `markup${at}@company.com`, amount: 5, reason: xss });
  await call('PUT', `/v1/users/me/views/view-${at}`, { page: 'users', name: xss.slice(0, 100), query: 'sort=-used' });
  await call('PUT', '/v1/admin/limits', { data: [{ scope: 'model', subject: xss, metric: 'credits', credits: 9_000_000, mode: 'shadow' }] });
  await call('PUT', '/v1/admin/limits', { data: [{ scope: 'team', subject: team.id, metric: 'credits', credits: 9_000_000, mode: 'shadow' }] });
  const channel = await call('POST', '/v1/admin/channels', { name: `${xss} ${at}`.slice(0, 100), address: 'https://nobody.invalid/services/T/B/markup-is-text', transfers: false });
  made.channel = channel.id!;
  await call('POST', `/v1/admin/channels/${channel.id}/test`);
  const program = await call('POST', '/v1/admin/service-accounts', { name: `${xss} program`, team_id: team.id, cost_center: xss.slice(0, 100) });
  made.program = program.id!;
  await call('POST', `/v1/admin/service-accounts/${program.id}/keys`, { name: xss.slice(0, 100) });
  await call('POST', '/v1/admin/reallocations', { reason: xss, entries: [{ user_id: user.id, amount: -5 }, { team_id: team.id, amount: 5 }] });
  await call('POST', '/v1/admin/jobs', { kind: 'import_people', dry_run: true, reason: xss, csv: `email,name\nmarkup${at}@company.com,"${xss.replaceAll('"', '""')} again"` });
  const signs = { Authorization: `Bearer ${user.api_key}` };
  let said = '';
  for (let i = 0; made.request === '' && i < 200; i++) {
    const asked = await v.context.request.post('/v1/chat/completions', {
      headers: { ...signs, 'User-Agent': xss, 'X-Project-ID': `markup-${at}`, 'X-Request-ID': xss },
      data: { model: xss, max_tokens: 20, messages: [{ role: 'user', content: xss }] },
    });
    if (asked.ok()) made.request = asked.headers()['x-alfred-request-id'] ?? '';
    else said = `${asked.status()} ${await asked.text()}`;
    if (!made.request) await new Promise((done) => setTimeout(done, 50)); // the key is not published yet
  }
  expect(made.request, said).toMatch(/^req_/);
  for (let i = 0; i < 200 && !(await v.context.request.get(`/v1/admin/requests/${made.request}`)).ok(); i++) await new Promise((done) => setTimeout(done, 50));
  await v.page.route((url) => url.pathname.startsWith('/v1/') && !url.pathname.endsWith('/stream'), async (route) => {
    const answer = await route.fetch();
    if (!answer.ok() || !answer.headers()['content-type']?.includes('application/json')) return route.fulfill({ response: answer });
    return route.fulfill({ response: answer, json: ours(await answer.json()) });
  });
});
afterAll(closed);

/** An answer with markup for the organisation's own words, which are on every page and are everybody's in this stack. */
function ours(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((x) => ours(x));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, ours(x, k)]));
  return value === 'Company AS' ? xss : typeof value === 'string' && (key === 'unit' || key === 'unit_name') ? xss.slice(0, 40) : value;
}

/** Nothing of it became an element. */
async function inert(): Promise<void> {
  expect(await v.page.evaluate(() => document.querySelectorAll('img[src=x], svg[onload], main script, [role=dialog] script').length)).toBe(0);
  v.clean();
}

describe('markup in every free text is text', () => {
  it.each(pages.filter((p) => !p.dev).map((p) => [p.name, p] as const))('%s', async (_, page) => {
    const w = { ...world, ...made };
    await v.open(page.sample ? page.sample(w) : page.path);
    await inert();
  });

  it.each([
    ['a request', () => `/requests?open=${made.request}`, 'Who paid?'],
    ['the form of a person', () => `/users?edit=${made.user}`, 'Save user'],
    ['the transfers of a person', () => `/users/${made.user}?tab=transfers`, xss],
    ['the keys of a person', () => `/users/${made.user}?tab=keys`, null],
    ['the audit of a person', () => `/users/${made.user}?tab=audit`, null],
    ['the teams of a person', () => `/users/${made.user}?tab=teams`, null],
    ['a limit by a model and by a team', () => '/settings?part=limits', xss],
    ['channels', () => '/settings?part=alerts', xss],
    ['a channel and its messages', () => `/settings?part=alerts&open=${made.channel}`, 'The last message did not arrive'],
    ['service accounts', () => '/settings?part=programs', `${xss} program`],
    ['a service account and its keys', () => `/settings?part=programs&open=${made.program}`, `${xss} program`],
    ['all keys', () => '/settings?part=keys', null],
    ['transfers with their reasons', () => '/reallocation', xss],
    ['a team, its description and its members', () => `/teams/${made.team}`, xss],
    ['refusals', () => '/requests?show=refused', null],
    ['a scope', () => `/?scope=team:${made.team}`, null],
    ['a search of people', () => `/users?q=${encodeURIComponent(xss)}`, null],
    ['parameters that are markup', () => `/requests?open=${encodeURIComponent(xss)}`, null],
    ['a page that is not there', () => `/${encodeURIComponent('<img src=x onerror=alert(1)>')}`, 'There is no such page'],
  ])('%s', async (_, path, says) => {
    v.allow(/^GET \/v1\/admin\/requests\/.* 40[04]$/);
    await v.open(path());
    if (says) await v.page.getByText(says).first().waitFor();
    await inert();
  });

  it('in what opens: saved views, the search, the menu of a person, a change of the audit log', async () => {
    await v.open('/users?q=markup');
    await v.page.getByRole('button', { name: 'Views' }).click();
    await v.page.getByRole('menu').getByText(xss.slice(0, 40)).first().waitFor();
    await inert();
    await v.page.keyboard.press('Escape');
    await v.page.keyboard.press('Control+K');
    await v.page.getByPlaceholder(/People, teams/).fill('markup');
    await v.page.getByRole('dialog').getByText(xss.slice(0, 40)).first().waitFor();
    await inert();
    await v.page.keyboard.press('Escape');
    await v.page.getByRole('button', { name: `More for ${xss}` }).first().click();
    await v.page.getByRole('menuitem', { name: 'Delete user' }).click();
    await v.page.getByRole('dialog').getByText(xss.slice(0, 40)).first().waitFor();
    await inert();
    await v.open('/audit?action=team');
    await v.page.getByRole('group', { name: 'Audit' }).getByRole('button').first().click();
    await v.page.getByRole('dialog').getByText('Hash').waitFor();
    await inert();
  });
});
