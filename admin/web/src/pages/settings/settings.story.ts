import { looksRight, visit, violations, world, closed } from '../../../browser/rig';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(closed);

describe('Settings', () => {
  it('show what changes and for whom before they save, and plan another window for the end of this one', async () => {
    const v = await visit('owner');
    await v.open('/settings');
    await v.page.getByLabel('Personal quota').fill('1234');
    await v.page.getByRole('combobox', { name: 'Window' }).click();
    await v.page.getByRole('option', { name: 'Week' }).click();
    await v.page.getByRole('button', { name: 'Review changes' }).click();
    const review = v.page.getByRole('dialog');
    await review.getByText(/The new window begins \d+ \w+ \d{4}/).waitFor();
    await review.getByText('People without a quota of their own whose team sets none.').waitFor();
    await review.getByText('every week from Monday, Europe/Oslo').waitFor();
    await looksRight(v, 'settings-review');
    // Nothing was saved by looking.
    const standing = async () => (await (await v.context.request.get('/v1/admin/organization')).json()).settings;
    expect((await standing()).next_window).toBeUndefined();
    await review.getByRole('button', { name: 'Save settings' }).click();
    await review.waitFor({ state: 'detached' });
    await v.page.getByText(/^From .*: every week from Monday, Europe\/Oslo/).waitFor();
    const saved = await standing();
    expect([saved.window.kind, saved.next_window.window.kind, saved.default_personal_quota]).toEqual(['monthly', 'weekly', 1234]);
    await looksRight(v, 'settings-planned');
    await v.page.getByRole('button', { name: 'Take the change back' }).click();
    await v.page.getByText(/^From .*: every week/).waitFor({ state: 'detached' });
    expect((await standing()).next_window).toBeUndefined();
    v.clean();
    await v.end();
  }, 300_000);

  it('keep what was typed when somebody else was faster, and say what they changed', async () => {
    const v = await visit('owner');
    await v.open('/settings');
    await v.page.getByLabel('Unit').fill('tokens');
    const key = { Authorization: `Bearer ${world.keys.admin}` };
    expect((await v.context.request.patch('/v1/admin/organization', { headers: key, data: { settings: { default_team_pool: 4321 } } })).ok()).toBe(true);
    v.allow(/^PATCH \/v1\/admin\/organization 412$/);
    await v.page.getByRole('button', { name: 'Review changes' }).click();
    await v.page.getByText('Team pool is now 4,321').waitFor();
    expect(await v.page.getByLabel('Unit').inputValue()).toBe('tokens');
    expect(await violations(v.page)).toEqual([]);
    await v.page.getByRole('button', { name: 'Discard' }).click();
    v.clean();
    await v.end();
  });

  it('keep keys for programs: create, use, replace with an overlap, suspend, delete', async () => {
    const v = await visit('owner');
    const { page } = v;
    const name = 'Nightly <script>alert(1)</script>';
    await v.open('/settings?part=programs');
    await looksRight(v, 'service-accounts-none');
    await page.getByRole('button', { name: 'Create account' }).first().click();
    await page.getByRole('dialog').getByLabel(/^Name/).fill(name);
    await page.getByRole('dialog').getByRole('combobox', { name: /^Owned by/ }).click();
    await page.getByRole('option', { name: 'Engineering', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Create account' }).click();
    const secret = (await page.getByTestId('api-key').textContent())!;
    await page.getByLabel('I have saved it').check();
    await page.getByRole('button', { name: 'Done' }).click();
    const drawer = page.getByRole('dialog', { name: 'Service account' });
    await drawer.getByText('Spends the share of its team alone.').waitFor();
    await looksRight(v, 'service-account');

    // Its key calls a model, and signs nobody in.
    const chat = () => v.context.request.post('/v1/chat/completions', { headers: { Authorization: `Bearer ${secret}` }, data: { model: 'gpt-4', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] } });
    await expect.poll(async () => (await chat()).status(), { timeout: 60_000 }).toBe(200);
    expect((await v.context.request.get('/v1/users/me', { headers: { Authorization: `Bearer ${secret}` } })).status()).toBe(403);

    await drawer.getByRole('button', { name: /^More for key/ }).click();
    await page.getByRole('menuitem', { name: 'Replace key' }).click();
    await page.getByRole('button', { name: 'Replace key' }).click();
    expect(await page.getByTestId('api-key').textContent()).not.toBe(secret);
    await page.getByLabel('I have saved it').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await drawer.getByText(/, ends /).waitFor();
    expect((await chat()).status()).toBe(200);

    await drawer.getByRole('button', { name: 'Suspend account' }).click();
    await page.getByRole('dialog', { name: /^Suspend/ }).getByRole('button', { name: 'Suspend account' }).click();
    await drawer.getByRole('button', { name: 'Reactivate account' }).waitFor();
    await expect.poll(async () => (await chat()).status(), { timeout: 60_000 }).toBe(403);
    await drawer.getByRole('button', { name: 'Delete account' }).click();
    const last = page.getByRole('dialog', { name: /^Delete/ });
    await last.getByRole('checkbox').check();
    await last.getByRole('button', { name: 'Delete account' }).click();
    await drawer.waitFor({ state: 'detached' });
    await page.locator('main').getByText(name).waitFor({ state: 'detached' }); // other stories have accounts of their own
    await expect.poll(async () => (await chat()).status(), { timeout: 60_000 }).toBe(401);
    v.clean();
    await v.end();
  }, 300_000);
});
