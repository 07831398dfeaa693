import { afterAll, describe, expect, it } from 'vitest';
import { closed, overflow, picture, schemes, violations, visit, widths, world } from './rig';

afterAll(closed);

describe('signing in', () => {
  it.each(schemes.flatMap((s) => widths.map((w) => [s, w] as const)))('looks right, %s at %d', async (scheme, width) => {
    const v = await visit(null, { scheme, width });
    await v.open('/');
    await picture(v.page, `sign-in-${scheme}-${width}`);
    expect(await v.page.getAttribute('html', 'data-mantine-color-scheme')).toBe(scheme);
    expect(await violations(v.page)).toEqual([]);
    expect(await overflow(v.page)).toBe(0);
    v.clean();
    await v.end();
  });

  it.each([
    ['a key that nobody has', 'tp-00000000000000000000000000000000', 'This key is not known here'],
    ['a revoked key', world.keys.revoked, 'This key was revoked'],
    ['a key of a suspended person', world.keys.suspended, 'Your access is suspended'],
    ['a key of a provider', 'sk-proj-123', 'A key of Alfred starts with tp-'],
  ])('says why not: %s', async (_, key, said) => {
    const v = await visit(null);
    v.allow(/^POST \/v1\/auth\/session 40[13]$/);
    await v.open('/users');
    await v.page.getByLabel('API key', { exact: true }).fill(key);
    await v.page.keyboard.press('Enter');
    await v.page.getByText(said).waitFor();
    v.clean();
    await v.end();
  });

  it('says so when nothing answers, and goes on when it does again', async () => {
    const v = await visit(null);
    await v.open('/my-usage');
    await v.context.setOffline(true);
    await v.page.getByLabel('API key', { exact: true }).fill(world.keys.member);
    await v.page.getByRole('button', { name: 'Sign in' }).click();
    await v.page.getByText('Alfred does not answer').waitFor();
    await v.context.setOffline(false);
    await v.page.getByRole('button', { name: 'Sign in' }).click();
    await v.page.getByRole('heading', { name: 'My usage' }).waitFor();
    expect(new URL(v.page.url()).pathname).toBe('/static/my-usage');
    await v.end();
  });

  it('comes back to where one was when the session has ended', async () => {
    const v = await visit('member');
    await v.open('/my-usage');
    await v.context.clearCookies();
    v.allow(/ 401$/);
    await v.page.reload();
    await v.page.getByLabel('API key', { exact: true }).fill(world.keys.member);
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('heading', { name: 'My usage' }).waitFor();
    expect(new URL(v.page.url()).pathname).toBe('/static/my-usage');
    await v.end();
  });
});

describe('the shell', () => {
  it('keeps the theme that was chosen, from the first paint on', async () => {
    const v = await visit('member', { scheme: 'light' });
    await v.open('/my-usage');
    await v.page.getByRole('switch', { name: 'Dark mode' }).click();
    await v.page.addInitScript(() => {
      new MutationObserver(() => {
        if (document.body) (window as unknown as { first?: string | null }).first ??= document.documentElement.getAttribute('data-mantine-color-scheme');
      }).observe(document, { childList: true, subtree: true });
    });
    await v.page.reload();
    await v.settled();
    expect(await v.page.evaluate(() => (window as unknown as { first?: string | null }).first)).toBe('dark');
    v.clean();
    await v.end();
  });

  it('is walked by keyboard: skip link, sidebar, and the page is focused after moving', async () => {
    const v = await visit('owner');
    await v.open('/my-usage');
    await v.page.keyboard.press('Tab');
    expect(await v.page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page');
    await v.page.getByRole('link', { name: 'Overview', exact: true }).focus();
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    expect(await v.page.evaluate(() => document.activeElement?.id)).toBe('main');
    expect(await v.page.title()).toBe('Overview – Alfred');
    v.clean();
    await v.end();
  });

  it('is a drawer on a phone', async () => {
    const v = await visit('owner', { width: 390 });
    await v.open('/my-usage');
    await v.page.getByRole('button', { name: 'Open the menu' }).click();
    await v.page.getByRole('dialog').getByRole('link', { name: 'Overview', exact: true }).waitFor();
    await picture(v.page, 'menu-light-390');
    expect(await violations(v.page)).toEqual([]);
    await v.page.getByRole('dialog').getByRole('link', { name: 'Overview', exact: true }).click();
    await v.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await v.page.getByRole('dialog').waitFor({ state: 'detached' });
    v.clean();
    await v.end();
  });

  it('shows members what is theirs and tells them what is not', async () => {
    const v = await visit('member');
    await v.open('/');
    await v.page.getByRole('heading', { name: 'My usage' }).waitFor();
    expect(await v.page.getByRole('link', { name: 'Manage Users' }).count()).toBe(0);
    v.clean();
    await v.end();
  });

  it('finds pages with Ctrl K', async () => {
    const v = await visit('owner');
    await v.open('/my-usage');
    await v.page.keyboard.press('Control+K');
    await v.page.getByPlaceholder(/People, teams/).fill('overv');
    await v.page.getByRole('dialog').getByText('Overview').waitFor();
    expect(await violations(v.page)).toEqual([]);
    await picture(v.page, 'search-light-1440');
    await v.page.keyboard.press('ArrowDown');
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    v.clean();
    await v.end();
  });

  it('finds people, teams, keys, decisions and requests with Ctrl K, and opens each', async () => {
    const v = await visit('owner');
    await v.open('/my-usage');
    const prefix = world.keys.member.slice(0, 8);
    for (const [typed, group, heading] of [
      ['Lovel', 'People', 'Ada Lovelace'],
      ['Engine', 'Teams', 'Engineering'],
      [prefix, 'Keys', 'Edsger Dijkstra'],
      [world.decision, 'Decisions', 'Why was this refused?'],
      [world.request, 'Requests', 'Requests'],
    ] as const) {
      await v.page.keyboard.press('Control+K');
      const answered = v.page.waitForResponse((r) => r.url().includes('/v1/admin/search'));
      await v.page.getByPlaceholder(/People, teams/).fill(typed);
      await answered;
      const dialog = v.page.getByRole('dialog');
      await dialog.locator('.mantine-Spotlight-action').first().waitFor();
      await v.page.keyboard.press('ArrowDown');
      await v.page.keyboard.press('Enter');
      await v.page.getByRole('heading', { name: heading, level: 1 }).waitFor();
      await dialog.filter({ has: v.page.getByPlaceholder(/People, teams/) }).waitFor({ state: 'detached' });
      await v.settled();
      v.clean();
      if (group === 'Requests') await v.page.getByRole('dialog').getByText('Who paid?').waitFor();
    }
    await v.end();
  });

  it('finds nothing in words, and only pages for a member', async () => {
    const v = await visit('member');
    await v.open('/my-usage');
    await v.page.keyboard.press('Control+K');
    await v.page.getByPlaceholder('Pages').fill('Lovelace');
    await v.page.getByText(/Nothing is called “Lovelace”/).waitFor();
    expect(await violations(v.page)).toEqual([]);
    v.clean();
    await v.end();
  });
});
