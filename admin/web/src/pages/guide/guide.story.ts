import { afterAll, expect, it } from 'vitest';
import { closed, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

it('User Guide: searched, and with my own base URL and key in what is copied', async () => {
  const v = await visit('member');
  await v.open('/guide');
  const main = v.page.locator('main');
  await main.getByRole('button', { name: 'API Usage', exact: true }).click();
  await main.getByRole('heading', { name: 'API Usage' }).first().waitFor();
  expect(await main.innerText()).toContain(`${world.base}/v1`);
  const copy = main.getByRole('button', { name: /^Copy/ }).first();
  await copy.focus();
  await v.page.keyboard.press('Enter');
  await v.page.waitForFunction(async () => (await navigator.clipboard.readText()).length > 20);
  expect(await v.page.evaluate(() => navigator.clipboard.readText())).not.toContain('your-alfred-server');
  const before = (await main.innerText()).length;
  await v.page.getByRole('searchbox').fill('vacation');
  await v.page.waitForURL(/q=vacation/);
  await v.settled();
  const found = await main.innerText();
  expect(found.length).toBeLessThan(before);
  expect(found.toLowerCase()).toContain('vacation');
  await v.page.getByRole('searchbox').fill('qqqq');
  await v.page.getByText('qqqq', { exact: false }).first().waitFor();
  expect(await violations(v.page)).toEqual([]);
  v.clean();
  await v.end();
});
