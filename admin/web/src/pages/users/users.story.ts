import { visit, violations, world, closed } from '../../../browser/rig';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(closed);

describe('Manage Users', () => {
  it("is the guide's steps, by keyboard alone: Add User, name, email, quota, and the key once", async () => {
    const v = await visit('owner');
    await v.open('/users?q=keyboard');
    await v.page.getByRole('button', { name: 'Add User' }).first().focus();
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('dialog').getByLabel(/^Name/).waitFor();
    await v.page.waitForFunction(() => document.activeElement?.matches('[role=dialog] input'));
    const name = `Keyboard Only ${Date.now()}`;
    await v.page.keyboard.type(name);
    await v.page.keyboard.press('Tab');
    await v.page.keyboard.type(`${name.replaceAll(' ', '.')}@company.com`);
    await v.page.keyboard.press('Tab');
    await v.page.keyboard.type('5000');
    await v.page.keyboard.press('Enter');
    const key = v.page.getByTestId('api-key');
    await key.waitFor();
    expect(await key.textContent()).toMatch(/^tp-/);
    expect(await violations(v.page)).toEqual([]);
    // Escape does not lose a key that nobody has saved.
    await v.page.keyboard.press('Escape');
    expect(await key.isVisible()).toBe(true);
    await v.page.getByLabel('I have saved it').focus();
    await v.page.keyboard.press('Space');
    await v.page.getByRole('button', { name: 'Done' }).focus();
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('dialog').waitFor({ state: 'detached' });
    await v.page.getByRole('link', { name }).first().waitFor();
    v.clean();
    await v.end();
  });

  it('lets two admins edit one user: the second keeps what was typed and sees what the first did', async () => {
    const [first, second] = [await visit('owner'), await visit('admin')];
    await first.open(`/users?edit=${world.user}`);
    await second.open(`/users?edit=${world.user}`);
    const name = `Alan M. Turing ${Date.now()}`;
    const quota = String(40 + (Date.now() % 50)); // another one each time
    const [a, b] = [first.page.getByRole('dialog'), second.page.getByRole('dialog')];
    await a.getByLabel('Quota').waitFor();
    await b.getByLabel(/^Name/).waitFor();
    await a.getByLabel('Quota').fill(quota);
    await a.getByRole('button', { name: 'Save user' }).click();
    await a.waitFor({ state: 'detached' });
    second.allow(/^PATCH \/v1\/admin\/users\/[^/]+ 412$/);
    await b.getByLabel(/^Name/).fill(name);
    await b.getByRole('button', { name: 'Save user' }).click();
    await b.getByText('Somebody else changed this person in the meantime').waitFor();
    expect(await b.getByLabel(/^Name/).inputValue()).toBe(name);
    expect(await b.getByLabel('Quota').inputValue()).toBe(quota);
    expect(await violations(second.page)).toEqual([]);
    await b.getByRole('button', { name: 'Save user' }).click();
    await b.waitFor({ state: 'detached' });
    first.clean();
    second.clean();
    await first.end();
    await second.end();
  });

  it('shows who before it changes many, and nothing happens without that', async () => {
    const v = await visit('owner');
    await v.open('/users?q=person1');
    await v.page.getByLabel(/^Select the \d+ rows? that (is|are) loaded/).check();
    await v.page.getByRole('button', { name: 'Set quota' }).click();
    const dialog = v.page.getByRole('dialog');
    await dialog.getByLabel('Quota').fill('12345');
    await dialog.getByRole('button', { name: 'See who it changes' }).click();
    await dialog.getByText(/will get the new quota/).waitFor();
    expect(await violations(v.page)).toEqual([]);
    await dialog.getByRole('button', { name: /^Set the quota of/ }).click();
    await dialog.getByText(/got the new quota/).waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    v.clean();
    await v.end();
  });
});
