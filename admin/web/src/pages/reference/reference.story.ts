import { afterAll, expect, it } from 'vitest';
import { closed, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

it('API reference: every operation of the server, found by a word, opened by keyboard, and its address is its own', async () => {
  const v = await visit('member');
  await v.open('/reference');
  const document = (await (await v.context.request.get('/v1/openapi.json')).json()) as { paths: Record<string, Record<string, { operationId?: string }>> };
  const ids = Object.values(document.paths).flatMap((p) => Object.values(p).flatMap((o) => (o.operationId ? [o.operationId] : [])));
  for (const id of ids) expect(await v.page.locator(`[id="${id}"]`).count(), id).toBe(1);
  await v.page.getByRole('searchbox', { name: 'Search operations' }).fill('transfer');
  await v.page.waitForURL(/q=transfer/);
  const row = v.page.locator('[id=transferCredits]');
  await row.getByRole('button').first().focus();
  await v.page.keyboard.press('Enter');
  await v.page.waitForURL(/op=transferCredits/);
  await row.getByText('recipient_email').first().waitFor();
  await row.getByText(`${world.base}/v1/users/me/transfer`, { exact: false }).first().waitFor();
  expect(await violations(v.page)).toEqual([]);
  await v.page.reload();
  await v.settled();
  await v.page.locator('[id=transferCredits]').getByText('recipient_email').first().waitFor();
  v.clean();
  await v.end();
});
