import { afterAll, expect, it } from 'vitest';
import { closed, picture, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

it('Providers and models: a provider is tested, a price has its version, and a model without one stands out', async () => {
  const v = await visit('owner');
  const model = `unpriced-${Date.now()}`;
  const asked = await fetch(`${world.base}/v1/chat/completions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${world.keys.owner}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: 'user', content: 'Hello!' }] }),
  });
  expect(asked.status, await asked.text()).toBe(200);
  for (let i = 0; i < 200; i++) {
    const { data } = (await (await v.context.request.get('/v1/admin/models')).json()) as { data: { model: string; requests: number }[] };
    if (data.some((m) => m.model === model && m.requests > 0)) break;
    await new Promise((done) => setTimeout(done, 50)); // it is recorded within a second
  }
  await v.open('/providers');
  await v.page.getByRole('button', { name: /^Test / }).first().focus();
  await v.page.keyboard.press('Enter');
  await v.page.getByText(/^answers, /).first().waitFor();

  await v.page.getByText(/used without a price of (its|their) own/).waitFor();
  await v.page.getByRole('button', { name: 'Filter' }).click();
  await v.page.getByRole('menuitem', { name: 'without a price' }).click();
  await v.page.getByRole('group', { name: 'Models' }).getByText(model).waitFor();
  expect(new URL(v.page.url()).searchParams.get('models')).toBe('unpriced');
  await v.page.getByRole('searchbox', { name: 'Find a model' }).fill('nothing is called so');
  await v.page.getByText('No model matches').waitFor();

  await v.page.getByText(/^Version \d+/).first().click();
  await v.page.getByText('in force', { exact: true }).waitFor();
  const prices = v.page.getByRole('group', { name: /^Prices of version \d+$/ }).first();
  expect(await prices.locator('tbody tr').count()).toBeGreaterThan(0);
  expect(await violations(v.page)).toEqual([]);
  await picture(v.page, 'providers-prices-light-1440');
  v.clean();
  await v.end();
});
