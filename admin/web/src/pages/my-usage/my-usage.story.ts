import { afterAll, describe, expect, it } from 'vitest';
import { closed, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

describe('My usage', () => {
  it("has the guide's four numbers, the same as the API says, what pays next and when it resets", async () => {
    const v = await visit('member');
    await v.open('/my-usage');
    const quota = (await (await v.context.request.get('/v1/users/me/quota')).json()) as Record<string, number>;
    const figures: [string, string][] = [['Personal quota', 'personal_quota'], ['Used', 'used_tokens'], ['Available', 'available_quota'], ['Team pool available', 'team_pool_available']];
    const text = await v.page.locator('main').innerText();
    for (const [label, field] of figures) expect(text).toMatch(new RegExp(`${label}[^]{0,20}?\\b${quota[field]!.toLocaleString('en-GB')}(?!\\d)`));
    await v.page.getByRole('region', { name: 'What pays next' }).getByText('Your personal quota').waitFor();
    await v.page.getByText('Resets', { exact: true }).waitFor();
    for (const title of ['My requests', 'My transfers', 'My keys', 'Vacation']) await v.page.getByRole('heading', { name: title }).waitFor();
    v.clean();
    await v.end();
  });

  it('creates a key, shows it once, signs a request with it, and revokes it', async () => {
    const v = await visit('member');
    const name = `laptop ${Date.now()}`;
    await v.open('/my-usage');
    await v.page.getByRole('button', { name: 'Create key' }).click();
    await v.page.getByRole('dialog').getByLabel('Name').fill(name);
    // Nothing answers: what was typed stays, and the same press works when it does again.
    await v.context.setOffline(true);
    await v.page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click();
    await v.page.getByRole('dialog').getByText('Alfred does not answer').waitFor();
    expect(await v.page.getByRole('dialog').getByLabel('Name').inputValue()).toBe(name);
    await v.context.setOffline(false);
    await v.page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click();
    const key = (await v.page.getByTestId('api-key').textContent())!;
    expect(key).toMatch(/^tp-/);
    await v.page.getByLabel('I have saved it').check();
    await v.page.getByRole('button', { name: 'Done' }).click();
    await v.page.getByText(name).waitFor();
    const { data } = (await (await v.context.request.get('/v1/users/me/keys')).json()) as { data: { name: string }[] };
    expect(data.filter((k) => k.name === name)).toHaveLength(1);
    expect((await fetch(`${world.base}/v1/users/me`, { headers: { Authorization: `Bearer ${key}` } })).status).toBe(200);

    await v.page.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: /^More for key/ }).click();
    await v.page.getByRole('menuitem', { name: 'Revoke key' }).click();
    expect(await violations(v.page)).toEqual([]);
    await v.page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click();
    await v.page.getByText('Revoked. Requests with this key are refused from now on.').waitFor();
    expect((await fetch(`${world.base}/v1/users/me`, { headers: { Authorization: `Bearer ${key}` } })).status).toBe(401);
    await v.end();
  });

  it('goes on vacation after saying what that does, and comes back by Undo', async () => {
    const v = await visit('member');
    await v.open('/my-usage');
    await v.page.getByRole('switch', { name: /I am on vacation/ }).focus();
    await v.page.keyboard.press('Space');
    await v.page.getByRole('dialog').getByText('Go on vacation?').waitFor();
    await v.page.getByRole('button', { name: 'Start vacation' }).click();
    await v.page.getByRole('switch', { name: /You are on vacation/ }).waitFor();
    await v.page.getByRole('button', { name: 'Undo' }).click();
    await v.page.getByRole('switch', { name: /I am on vacation/ }).waitFor();
    v.clean();
    await v.end();
  });
});
