import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../src/pages';
import { closed, visit, world, type Visit } from './rig';

const run = promisify(execFile);
let v: Visit;
beforeAll(async () => {
  v = await visit('owner');
});
afterAll(closed);

/** Pages whose figures are all a person's own form, or text: there is nothing to take away. */
const without = ['onboarding', 'guide', 'reference', 'settings'];

describe('what a page shows can be taken away', () => {
  it.each(pages.filter((p) => !p.dev && !without.includes(p.name)).map((p) => [p.name, p] as const))('%s: every list and chart as CSV and as a command that works; every chart as a table', async (_, page) => {
    await v.open(page.sample ? page.sample(world) : page.path);
    const menus = v.page.locator('main').getByRole('button', { name: /^More for [\w-]+$/ });
    const n = await menus.count();
    expect(n).toBeGreaterThan(0);
    let exports = 0;
    let commands = 0;
    for (let i = 0; i < n; i++) {
      await menus.nth(i).click();
      const menu = v.page.getByRole('menu');
      await menu.waitFor();
      const csv = menu.getByRole('menuitem', { name: 'Export as CSV' });
      if (await csv.count()) {
        const [download] = await Promise.all([v.page.waitForEvent('download'), csv.click()]);
        expect(download.suggestedFilename()).toMatch(/\.csv$/);
        expect(await download.failure()).toBeNull();
        const text = await new Response((await download.createReadStream()) as never).text();
        expect(text.split('\n')[0]).toContain(',');
        exports++;
        if (!(await menu.isVisible())) await menus.nth(i).click();
      }
      const curl = menu.getByRole('menuitem', { name: 'Copy as curl' });
      if (await curl.count()) {
        await curl.click();
        await menu.getByText('Copied').waitFor();
        const command = await v.page.evaluate(() => navigator.clipboard.readText());
        const { stdout } = await run('sh', ['-c', command.replace('curl ', 'curl -fsS ')], { env: { ...process.env, ALFRED_API_KEY: world.keys.owner }, maxBuffer: 1e8 });
        expect(() => JSON.parse(stdout) as unknown, command).not.toThrow();
        commands++;
      }
      await v.page.keyboard.press('Escape');
      await menu.waitFor({ state: 'detached' });
    }
    expect(exports).toBeGreaterThan(0);
    expect(commands).toBeGreaterThan(0);

    const charts = await v.page.locator('main .recharts-wrapper').count();
    const switches = v.page.locator('main [role=radiogroup][aria-label^="Show “"]');
    const tables = await switches.count();
    expect(tables).toBeGreaterThanOrEqual(charts);
    for (let i = 0; i < tables; i++) {
      await switches.nth(i).getByRole('radio', { name: 'Table' }).focus();
      await v.page.keyboard.press('Space');
      const question = /“(.*)”/.exec((await switches.nth(i).getAttribute('aria-label'))!)![1]!;
      const rows = v.page.getByRole('region', { name: `${question} as a table` }).locator('tbody tr');
      await rows.first().waitFor();
    }
    v.clean();
  });

  it('opens and closes without motion where somebody asked for none, and with it elsewhere', async () => {
    for (const reducedMotion of [true, false]) {
      const w = await visit('owner', { reducedMotion });
      await w.page.addInitScript(() => {
        const moved: string[] = [];
        (window as unknown as { moved: string[] }).moved = moved;
        const told = (e: Event) => {
          const { target } = e as TransitionEvent;
          const seconds = Math.max(...getComputedStyle(target as Element).transitionDuration.split(',').map(parseFloat));
          if (seconds > 0.01 && ['transform', 'translate', 'scale'].includes((e as TransitionEvent).propertyName)) moved.push((target as Element).className);
        };
        document.addEventListener('transitionrun', told, true);
      });
      await w.open('/requests');
      await w.page.getByRole('group', { name: 'Requests' }).getByRole('button').first().click();
      await w.page.getByRole('dialog').getByText('Who paid?').waitFor();
      const moved = await w.page.evaluate(() => (window as unknown as { moved: string[] }).moved);
      if (reducedMotion) expect(moved).toEqual([]);
      else expect(moved.length).toBeGreaterThan(0);
      await w.end();
    }
  });
});
