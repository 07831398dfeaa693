import { afterAll, expect, it } from 'vitest';
import { closed, violations, visit, world } from './rig';

afterAll(closed);

it("the guide's dashboard, step by step as it prints them", async () => {
  const v = await visit(null);
  const { page } = v;
  const at = Date.now();
  // "Open your browser and navigate to /static/. Enter your API key to log in."
  await page.goto('/static/');
  await page.getByLabel('API key', { exact: true }).fill(world.keys.owner);
  await page.keyboard.press('Enter');

  // Overview: "Total users and teams, token usage statistics, cost trends over time, model usage breakdown, efficiency leaderboard".
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await v.settled();
  const overview = await page.locator('main').innerText();
  for (const shown of ['Users', 'Teams', 'Tokens used', 'Remaining', 'Who uses it?', 'What for?']) expect(overview).toContain(shown);
  await page.locator('main').getByRole('heading', { name: /efficient|efficiency|most from/i }).first().waitFor();

  // 'Click "Manage Users" in the sidebar. Click "Add User". Enter name, email, and quota. The API key is displayed once - save it securely.'
  await page.getByRole('link', { name: 'Manage Users', exact: true }).click();
  await page.getByRole('button', { name: 'Add User' }).first().click();
  const add = page.getByRole('dialog');
  await add.getByLabel(/^Name/).fill(`New User ${at}`);
  await add.getByLabel(/^Email/).fill(`user${at}@company.com`);
  await add.getByLabel('Quota').fill('5000');
  // The server fails once: what was typed is still there, and the same press adds the person once.
  await page.route('**/v1/admin/users', (route) => route.fulfill({ status: 500, headers: { 'X-Request-ID': 'req_01BROKEN' }, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Internal error', status: 500, detail: 'The record cannot be written.', code: 'internal_error' }) }), { times: 1 });
  v.allow(/^POST \/v1\/admin\/users 500$/);
  await add.getByRole('button', { name: 'Add User' }).click();
  await add.getByText('req_01BROKEN').waitFor();
  expect(await add.getByLabel(/^Email/).inputValue()).toBe(`user${at}@company.com`);
  expect(await violations(page)).toEqual([]);
  await add.getByRole('button', { name: 'Add User' }).click();
  const key = (await page.getByTestId('api-key').textContent())!;
  await page.getByLabel('I have saved it').check();
  await page.getByRole('button', { name: 'Done' }).click();
  // "View all users with quota and usage"
  await page.getByRole('searchbox').fill(String(at));
  const row = page.getByRole('row').filter({ hasText: `user${at}@company.com` });
  await row.getByText('5,000').waitFor();
  expect(await page.content()).not.toContain(key);
  // "Share the generated API key with the user": it works.
  expect((await fetch(`${world.base}/v1/users/me/quota`, { headers: { Authorization: `Bearer ${key}` } })).status).toBe(200);

  // 'Navigate to "Manage Teams". Click "Add Team". Set team name and pool quota.' "Add/remove team members."
  await page.getByRole('link', { name: 'Manage Teams', exact: true }).click();
  await page.getByRole('button', { name: 'Add Team' }).first().click();
  await page.getByRole('dialog').getByLabel('Team name').fill(`Engineering ${at}`);
  await page.getByRole('dialog').getByLabel('Pool quota').fill('50000');
  await page.getByRole('dialog').getByRole('button', { name: 'Add team' }).click();
  await page.getByRole('heading', { name: `Engineering ${at}`, level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Add member' }).click();
  const person = page.getByRole('dialog').getByLabel('Person');
  await person.click();
  await person.fill(`user${at}`);
  await page.getByRole('option', { name: new RegExp(`New User ${at}`) }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Add member' }).click();
  await page.getByText('1 member, nobody is away.').waitFor();

  // "Set vacation status", "Assign admin privileges", "edit": from the person's menu.
  await page.getByRole('link', { name: 'Manage Users', exact: true }).click();
  await page.getByRole('searchbox').fill(String(at));
  await page.getByText('1–1 of 1').waitFor(); // what comes late would close a menu
  await row.getByRole('button', { name: `More for New User ${at}` }).click();
  for (const act of ['Edit user', 'Set vacation', 'Give admin privilege', 'Delete user']) await page.getByRole('menuitem', { name: act }).waitFor();
  await page.keyboard.press('Escape');

  // Credit Reallocation: give, "view reallocation history", "filter by date, user, or amount", "export".
  await page.getByRole('link', { name: 'Credit Reallocation', exact: true }).click();
  await page.getByRole('button', { name: 'New transfer' }).first().click();
  const transfer = page.getByRole('dialog');
  await transfer.getByText(/are available/).waitFor();
  await page.keyboard.type(`user${at}@company.com`);
  await page.keyboard.press('Tab');
  await page.keyboard.type('500');
  await page.keyboard.press('Tab');
  await page.keyboard.type(`Project deadline support ${at}`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await transfer.waitFor({ state: 'detached' });
  await page.getByRole('group', { name: 'Transfers' }).getByText(`Project deadline support ${at}`).waitFor();
  const quota = (await (await fetch(`${world.base}/v1/users/me/quota`, { headers: { Authorization: `Bearer ${key}` } })).json()) as { available_quota: number };
  expect(quota.available_quota).toBe(5500);

  // "Access the built-in user guide from the sidebar." "Toggle dark mode from the sidebar."
  await page.getByRole('link', { name: 'User Guide', exact: true }).click();
  await page.getByRole('heading', { name: 'User Guide', level: 1 }).waitFor();
  await page.getByRole('switch', { name: 'Dark mode' }).click();
  await page.waitForFunction(() => document.documentElement.dataset.mantineColorScheme === 'dark');
  v.clean();
  await v.end();
});
