import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closed, visit, world, type Visit } from './rig';

let v: Visit;
beforeAll(async () => {
  v = await visit('owner');
});
afterAll(closed);

/** What the page says, without the marks of a chart, which follow its width. It has said it twice. */
async function main(): Promise<string> {
  const read = () =>
    v.page.locator('main').evaluate((e) => {
      const axes = [...e.querySelectorAll('svg text')].map((t) => t.textContent);
      return (e as HTMLElement).innerText.split('\n').filter((line) => !axes.includes(line)).join('\n');
    });
  for (let before = await read(); ; ) {
    await new Promise((done) => setTimeout(done, 250));
    const text = await read();
    if (still(text) === still(before)) return text;
    before = text;
  }
}
/** Without what passes by itself. */
const still = (text: string) => text.replaceAll(/\d+ (second|minute)s? ago|just now|now|as of [^\n]*/g, '');

describe('an address is the page as it was: it is reloaded, and shared', () => {
  it.each([
    ['a search and filters of people', () => '/users?q=person1&status=active&sort=-used', 'Status Active'],
    ['an open form', () => `/users?edit=${world.user}`, null],
    ['a tab of a person', () => `/users/${world.user}?tab=teams`, null],
    ['what if three join', () => `/teams/${world.team}?joining=3`, null],
    ['refusals', () => '/requests?show=refused', 'Needed'],
    ['an open request', () => `/requests?open=${world.request}`, null],
    ['requests of one model', () => '/requests?model=gpt-4o', 'Model gpt-4o'],
    ['the window before', () => '/requests?period=previous', 'No requests in this window'],
    ['changes of teams', () => '/audit?action=team', 'About team'],
    ['models that were used', () => '/providers?models=used&sort=model', 'used in this window'],
    ['a team as the scope', () => `/?scope=team:${world.team}`, 'Engineering'],
    ['a chapter of the guide', () => '/guide?q=vacation', null],
    ['operations that are searched for', () => '/reference?q=transfer', null],
  ])('%s', async (_, address, says) => {
    await v.open(address());
    const dialog = await v.page.getByRole('dialog').count();
    if (says) expect(((await main()) + (await v.page.locator('section[aria-label=Controls]').innerText())).replaceAll(/\s+/g, ' ')).toContain(says);
    // A request of another story may be recorded between the looks: what is lost by a reload is lost each time.
    for (let look = 1; ; look++) {
      const [text, url] = [still(await main()), v.page.url()];
      await v.page.reload();
      await v.settled();
      await v.page.waitForFunction((n) => document.querySelectorAll('[role=dialog]').length === n, dialog);
      expect(v.page.url()).toBe(url);
      const again = still(await main());
      if (look === 3) expect(again).toBe(text);
      if (again === text) break;
      await v.open(address());
    }
    v.clean();
  });

  it('Back closes what a click opened, and leads to the list with its filters', async () => {
    await v.open('/requests?model=gpt-4o');
    await v.page.getByRole('group', { name: 'Requests' }).getByRole('button').first().click();
    await v.page.getByRole('dialog').getByText('Who paid?').waitFor();
    expect(new URL(v.page.url()).searchParams.get('open')).toMatch(/^req_/);
    await v.page.goBack();
    await v.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(new URL(v.page.url()).search).toBe('?model=gpt-4o');
    v.clean();
  });
});
