import { hook } from '../../../../browser/hook';
import { closed, looksRight, visit, world } from '../../../../browser/rig';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(closed);

describe('Alerts', () => {
  it('a channel is added and tested, hears that a pool runs out, fails and is mended; who answers for the pool finds it in the inbox', async () => {
    const slack = await hook();
    const v = await visit('owner');
    const { page, context } = v;
    const name = `#costs <b>${Date.now()}</b>`;
    await v.open('/settings?part=alerts');
    await page.getByRole('button', { name: 'Add channel' }).first().click();
    const form = page.getByRole('dialog', { name: 'Add a channel' });
    await form.getByRole('button', { name: 'Add and send a test' }).click();
    await form.getByText('An address is needed.').waitFor();
    await form.getByLabel(/^Name/).fill(name);
    await form.getByLabel(/^Webhook address/).fill('hooks.slack.com/services');
    v.allow(/^POST \/v1\/admin\/channels 422$/);
    await form.getByRole('button', { name: 'Add and send a test' }).click();
    await form.getByText(/expected the address of a webhook/).waitFor();
    await form.getByLabel(/^Webhook address/).fill(slack.address);
    await form.getByRole('combobox', { name: 'Alerts' }).click();
    await page.getByRole('option', { name: 'From 50 %' }).click();
    await looksRight(v, 'alerts-new-channel');
    await form.getByRole('button', { name: 'Add and send a test' }).click();
    const drawer = page.getByRole('dialog', { name: 'Channel' });
    await drawer.getByText('works', { exact: true }).waitFor();
    expect(slack.said).toHaveLength(1);
    expect(await page.content()).not.toContain('secret-of-the-story');

    // A test that does not arrive says why.
    slack.answer = 404;
    await drawer.getByRole('button', { name: 'Send a test' }).click();
    await drawer.getByText('fails', { exact: true }).waitFor();
    await drawer.getByText(/It answered 404 no_service/).first().waitFor();
    await looksRight(v, 'alerts-channel');
    slack.answer = 200;
    await drawer.getByRole('button', { name: 'Send again' }).first().click();
    await drawer.getByText('works', { exact: true }).waitFor({ timeout: 60_000 });
    await page.keyboard.press('Escape');

    // A pool is used up, by real requests.
    const make = async (path: string, data: unknown) => (await context.request.post(path, { data })).json();
    const team = await make('/v1/admin/teams', { name: `Small pool ${Date.now()}`, common_pool: 52, pool_sharing: 'open' });
    const person = await make('/v1/admin/users', { name: 'Spender', email: `spender${Date.now()}@company.com`, personal_quota: 0 });
    expect((await context.request.post(`/v1/admin/teams/${team.id}/members/${person.id}`)).ok()).toBe(true);
    const ask = async () => (await context.request.post('/v1/chat/completions', { headers: { Authorization: `Bearer ${person.api_key}` }, data: { model: 'gpt-4', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] } })).status();
    await expect.poll(ask, { timeout: 60_000 }).toBe(200);
    await expect.poll(ask, { timeout: 60_000 }).toBe(429);
    await expect.poll(() => slack.said.filter((s) => s.includes(team.name)).length, { timeout: 120_000 }).toBeGreaterThan(0);
    await v.open('/settings?part=alerts');
    await page.getByRole('link', { name: `Pool of ${team.name}` }).first().waitFor();
    await looksRight(v, 'alerts');
    const bell = page.getByRole('button', { name: /^Inbox, \d+\+? unread/ });
    await bell.focus();
    await page.keyboard.press('Enter');
    const inbox = page.getByRole('dialog', { name: 'Inbox' });
    await inbox.getByText(new RegExp(`The pool of ${team.name} has reached|budgets have reached a threshold`)).first().waitFor();
    await looksRight(v, 'inbox');
    await inbox.getByRole('button', { name: 'Mark all as read' }).click();
    await page.getByRole('button', { name: 'Inbox', exact: true }).waitFor();
    await page.keyboard.press('Escape');

    // The channel is taken away again.
    await page.getByRole('button', { name }).click();
    await drawer.getByRole('button', { name: 'Remove channel' }).click();
    await page.getByRole('dialog', { name: /^Remove/ }).getByRole('button', { name: 'Remove channel' }).click();
    await drawer.waitFor({ state: 'detached' });
    await page.getByRole('button', { name }).waitFor({ state: 'detached' });
    slack.close();
    v.clean();
    await v.end();
  }, 600_000);

  it('thresholds are chosen and taken back; two who choose at once are told', async () => {
    const v = await visit('owner');
    const { page } = v;
    await v.open('/settings?part=alerts');
    const chips = page.getByRole('group', { name: 'Thresholds' });
    const standing = async () => (await (await v.context.request.get('/v1/admin/organization')).json()).settings.alert_thresholds;
    expect(await standing()).toEqual([50, 75, 90, 100]);
    await chips.getByText('95 %').click();
    await chips.getByText('50 %').click();
    const key = { Authorization: `Bearer ${world.keys.admin}` };
    expect((await v.context.request.patch('/v1/admin/organization', { headers: key, data: { settings: { alert_thresholds: [33, 50, 75, 90, 100] } } })).ok()).toBe(true);
    v.allow(/^PATCH \/v1\/admin\/organization 412$/);
    await page.getByRole('button', { name: 'Save thresholds' }).click();
    await chips.getByText('33 %').waitFor(); // theirs is shown, and what was chosen is kept
    await page.getByRole('button', { name: 'Save thresholds' }).click();
    await expect.poll(standing).toEqual([75, 90, 95, 100]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(standing).toEqual([33, 50, 75, 90, 100]);
    expect((await v.context.request.patch('/v1/admin/organization', { headers: key, data: { settings: { alert_thresholds: [50, 75, 90, 100] } } })).ok()).toBe(true);
    v.clean();
    await v.end();
  });
});
