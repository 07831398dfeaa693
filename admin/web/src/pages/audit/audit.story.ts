import { afterAll, expect, it } from 'vitest';
import { closed, picture, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

it('Audit: a change is found by its filter, shown before and after, exported, and the chain holds', async () => {
  const v = await visit('owner');
  const description = `What this team does ${Date.now()}`;
  const changed = await v.context.request.patch(`/v1/admin/teams/${world.team}`, { data: { description } });
  expect(changed.ok()).toBe(true);
  await v.open('/audit');
  await v.page.getByRole('button', { name: 'Filter' }).click();
  await v.page.getByRole('menuitem', { name: 'team', exact: true }).click();
  await v.page.getByText('About team').waitFor();
  await v.page.getByRole('searchbox').fill(world.team);
  await v.page.waitForURL(new RegExp(`about=${world.team}`));
  await v.settled();
  const list = v.page.getByRole('group', { name: 'Audit' });
  const actions = await list.locator('tbody tr').allInnerTexts();
  expect(actions.length).toBeGreaterThan(0);
  expect(actions.every((row) => /\b(added|changed|deleted) a team\b/.test(row))).toBe(true);
  // Names stand where the log has ids.
  expect(actions.some((row) => row.includes(world.team) || row.includes('team.'))).toBe(false);

  await list.getByRole('button').first().focus();
  await v.page.keyboard.press('Enter');
  const drawer = v.page.getByRole('dialog');
  const row = drawer.getByRole('row', { name: /^description/ });
  await row.locator('ins').getByText(description).waitFor();
  await row.locator('del').first().waitFor();
  await drawer.getByText('Before it').waitFor();
  await drawer.getByText('team.update', { exact: true }).waitFor();
  await drawer.getByText(world.team, { exact: true }).waitFor();
  expect(await violations(v.page)).toEqual([]);
  await picture(v.page, 'audit-open-light-1440');
  await v.page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });

  await v.page.getByRole('button', { name: 'Verify the chain' }).click();
  await v.page.getByText(/^intact: [\d,]+ entries$/).waitFor();

  await v.page.getByRole('button', { name: 'More for audit' }).click();
  const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('menuitem', { name: 'Export as CSV' }).click()]);
  const csv = await new Response((await file.createReadStream()) as never).text();
  expect(csv).toContain(description);
  // The filter holds for the file as well.
  expect(csv.trim().split('\n').slice(1).every((line) => line.includes('team.'))).toBe(true);
  v.clean();
  await v.end();
});
