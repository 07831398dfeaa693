import { readdirSync, readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closed, visit, world, type Visit } from './rig';

let v: Visit;
const made = { account: '', channel: '' };

beforeAll(async () => {
  v = await visit('owner');
  const account = await v.context.request.post('/v1/admin/service-accounts', { data: { name: `Kept ${Date.now()}`, team_id: world.team } });
  if (!account.ok()) throw new Error(await account.text());
  made.account = (await account.json()).id;
  const channel = await v.context.request.post('/v1/admin/channels', { data: { name: `Kept ${Date.now()}`, address: 'https://hooks.slack.com/services/T/B/kept-as-it-was-typed', from_percent: 0 } });
  if (!channel.ok()) throw new Error(await channel.text());
  made.channel = (await channel.json()).id;
  v.allow(/ 409$/);
});
afterAll(closed);

const no = { status: 409, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Conflict', status: 409, detail: 'The server says no.', code: 'conflict', remedy: 'Think again.' }) };

/** Chooses the first option of a list. */
async function choose(page: Page, list: Locator): Promise<void> {
  await list.click();
  await page.getByRole('option').first().click();
}

interface Form {
  path: string | (() => string);
  /** Opens it, where the address does not. */
  open?: (page: Page) => Promise<unknown>;
  type: (form: Locator, page: Page) => Promise<unknown>;
  send: string | RegExp;
  /** What leads back to it, where the refusal has taken its place. */
  back?: string;
  /** It stands in the page. */
  inPage?: boolean;
}

const button = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();

const forms: Record<string, Form> = {
  'Add User': { path: '/users?add=true', type: async (f) => (await f.getByLabel(/^Name/).fill('Kept'), await f.getByLabel(/^Email/).fill(`kept${Date.now()}@company.com`)), send: /^(Add|Create)/ },
  'Edit user': { path: () => `/users?edit=${world.user}`, type: async (f) => (await f.getByLabel(/^Name/).fill('Kept'), await f.getByLabel('Quota').fill('777')), send: 'Save user' },
  'Import CSV': { path: '/users', open: button('Import CSV'), type: (f) => f.getByLabel('Or paste the lines').fill('email,name\nkept@company.com,Kept\n'), send: 'See what changes', back: 'Back' },
  'a change of many': {
    path: '/users?q=person1',
    open: async (page) => (await page.getByLabel(/^Select the \d+ rows? that (is|are) loaded/).check(), await page.getByRole('button', { name: 'Set quota' }).click()),
    type: async (f) => (await f.getByLabel('Quota').fill('12345'), await f.getByLabel('Reason').fill('because')),
    send: 'See who it changes',
    back: 'Back',
  },
  'Save this view': { path: '/users?q=person', open: async (page) => (await page.getByRole('button', { name: 'Views' }).click(), await page.getByRole('menuitem', { name: 'Save this view' }).click()), type: (f) => f.getByLabel(/^Name/).fill('Kept'), send: /^Save/ },
  'Set vacation': {
    path: '/users?q=person7',
    open: async (page) => (await page.getByRole('button', { name: 'More for Dennis Ritchie' }).click(), await page.getByRole('menuitem', { name: 'Set vacation' }).click()),
    type: (f) => f.getByLabel('Last day away').fill('2090-01-31'),
    send: /vacation/,
  },
  'a key of a person': { path: () => `/users/${world.user}?tab=keys`, open: button('Create key'), type: async (f) => (await f.getByLabel('Name').fill('Kept'), await f.getByLabel('Last day').fill('2090-01-31')), send: 'Create key' },
  'a team of a person': { path: () => `/users/${world.user}?tab=teams`, open: button(/^(Add to|Join) .*team/), type: (f, page) => choose(page, f.getByRole('combobox', { name: /^Team/ })), send: 'Add to team' },
  'Add Team': { path: '/teams?add=true', type: async (f) => (await f.getByLabel(/^Team name/).fill('Kept'), await f.getByLabel('Pool quota').fill('777'), await f.getByLabel('Description').fill('Keeps')), send: 'Add team' },
  'Edit team': { path: () => `/teams/${world.team}?edit=true`, type: async (f) => (await f.getByLabel('Pool quota').fill('777'), await f.getByLabel('Description').fill('Keeps')), send: /^Save/ },
  'Add member': { path: () => `/teams/${world.team}`, open: button('Add member'), type: async (f, page) => (await choose(page, f.getByLabel('Person')), await f.getByLabel('Team admin').check()), send: 'Add member' },
  'Transfer credits': { path: '/my-usage', open: button('Transfer credits'), type: transfer, send: /^Move/ },
  'my key': { path: '/my-usage', open: button('Create key'), type: (f) => f.getByLabel('Name').fill('Kept'), send: 'Create key' },
  'New transfer': { path: '/reallocation?form=transfer', type: transfer, send: /^Move/ },
  'Reallocate credits': {
    path: '/reallocation?form=reallocate',
    type: async (f, page) => {
      for (const [i, name] of ['Radia Perlman', 'Leslie Lamport'].entries()) {
        const line = f.getByRole('group', { name: `Line ${i + 1}` });
        await line.getByLabel('Person').fill(name);
        await page.getByRole('option', { name }).click();
        await line.getByLabel('Credits, below 0 is taken').fill(i === 0 ? '-5' : '5');
      }
      await f.getByLabel('Reason').fill('because');
    },
    send: 'Preview',
  },
  'a service account': { path: '/settings?part=programs', open: button('Create account'), type: async (f, page) => (await f.getByLabel(/^Name/).fill('Kept'), await choose(page, f.getByRole('combobox', { name: /^Owned by/ })), await f.getByLabel('Cost centre').fill('CC')), send: 'Create account' },
  'a service account that is there': { path: () => `/settings?part=programs&open=${made.account}`, type: async (f) => (await f.getByLabel(/^Name/).fill('Kept too'), await f.getByLabel('Cost centre').fill('CC')), send: 'Save account' },
  'a key of a service account': { path: () => `/settings?part=programs&open=${made.account}`, open: button('Create key'), type: (f) => f.getByLabel('Name').fill('Kept'), send: 'Create key' },
  'a channel': { path: '/settings?part=alerts&open=new', type: async (f) => (await f.getByLabel(/^Name/).fill('Kept'), await f.getByLabel(/^Webhook address/).fill('https://hooks.slack.com/services/T/B/x'), await f.getByLabel('Transfers').check()), send: 'Add and send a test' },
  'a channel that is there': { path: () => `/settings?part=alerts&open=${made.channel}`, type: async (f) => (await f.getByLabel(/^Name/).fill('Kept too'), await f.getByLabel('Transfers').check()), send: 'Save channel' },
  'a limit': { path: '/settings?part=limits&open=new', type: (f) => f.getByLabel(/^Allows/).fill('777'), send: 'Set limit' },
  'the settings': { path: '/settings', type: async (f) => (await f.getByLabel('Name').fill('Kept'), await f.getByLabel('Personal quota').fill('777')), send: 'Review changes', inPage: true },
};

async function transfer(f: Locator): Promise<void> {
  await f.getByLabel(/^Recipient/).fill('person8@company.com');
  await f.getByLabel(/^Credits/).fill('5');
  await f.getByLabel('Reason').fill('because');
}

/** What stands in every field of a form. */
const typed = (form: Locator) =>
  form.evaluate((e) => [...e.querySelectorAll<HTMLInputElement>('input, textarea')].map((i) => (i.type === 'checkbox' || i.type === 'radio' ? `${i.value}: ${i.checked}` : i.value)));

it.each(Object.entries(forms))('what was typed is kept when the server says no: %s', async (_, form) => {
  const { page } = v;
  await page.unroute('**/v1/**').catch(() => undefined);
  await v.open(typeof form.path === 'function' ? form.path() : form.path);
  await page.route('**/v1/**', (route) => (route.request().method() === 'GET' ? route.fallback() : route.fulfill(no)));
  await form.open?.(page);
  const where = form.inPage ? page.locator('main form').first() : page.getByRole('dialog').last();
  await where.waitFor();
  await v.settled();
  const empty = await typed(where);
  await form.type(where, page);
  const before = await typed(where);
  expect(before).not.toEqual(empty);
  await where.getByRole('button', { name: form.send }).last().click();
  await where.getByText('The server says no.').first().waitFor();
  if (form.back) await where.getByRole('button', { name: form.back }).click();
  expect(await typed(where)).toEqual(before);
  v.clean();
});

it('these are all the forms that there are', () => {
  const sent = (readdirSync('src', { recursive: true }) as string[]).filter((f) => f.endsWith('.tsx') && !f.endsWith('.test.tsx') && readFileSync(`src/${f}`, 'utf8').includes('type="submit"'));
  expect(sent.sort(), 'a new form belongs among those above').toEqual([
    'components/KeyActs.tsx',
    'pages/my-usage/Transfer.tsx',
    'pages/reallocation/NewTransfer.tsx',
    'pages/reallocation/Reallocate.tsx',
    'pages/settings/Account.tsx',
    'pages/settings/LimitForm.tsx',
    'pages/settings/NewAccount.tsx',
    'pages/settings/OrganisationForm.tsx',
    'pages/settings/alerts/ChannelDetail.tsx',
    'pages/settings/alerts/NewChannel.tsx',
    'pages/teams/Members.tsx',
    'pages/teams/TeamForm.tsx',
    'pages/users/AddUser.tsx',
    'pages/users/Bulk.tsx',
    'pages/users/EditUser.tsx',
    'pages/users/ImportPeople.tsx',
    'pages/users/Vacation.tsx',
    'pages/users/Views.tsx',
    'pages/users/detail/Teams.tsx',
    'shell/SignIn.tsx', // a key, which shell.test.ts has refused
  ]);
});
