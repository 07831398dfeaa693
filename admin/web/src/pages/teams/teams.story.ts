import { afterAll, expect, it } from 'vitest';
import { closed, violations, visit } from '../../../browser/rig';

afterAll(closed);

it('the guide: Manage Teams, Add Team, a name and a pool; then a member, and what if three join', async () => {
  const v = await visit('owner');
  const name = `Engineering ${Date.now()}`;
  await v.open('/teams');
  await v.page.getByRole('button', { name: 'Add Team' }).first().click();
  const dialog = v.page.getByRole('dialog');
  await dialog.getByLabel('Team name').fill(name);
  await dialog.getByLabel('Pool quota').fill('50000');
  expect(await violations(v.page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Add team' }).click();
  await v.page.getByRole('heading', { name, level: 1 }).waitFor();
  await v.page.getByText('Nobody is in this team yet').waitFor();

  await v.page.getByRole('button', { name: 'Add member' }).click();
  await v.page.getByRole('dialog').getByLabel('Person').click();
  await v.page.getByRole('option').first().click();
  await v.page.getByRole('dialog').getByRole('button', { name: 'Add member' }).click();
  await v.page.getByText('1 member, nobody is away.').waitFor();
  await v.page.getByLabel('Join the team').fill('3');
  await v.page.getByText('12,500 instead of 50,000').waitFor();
  expect(new URL(v.page.url()).searchParams.get('joining')).toBe('3');
  v.clean();
  await v.end();
});
