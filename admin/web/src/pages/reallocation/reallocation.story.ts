import { afterAll, expect, it } from 'vitest';
import { closed, violations, visit } from '../../../browser/rig';

afterAll(closed);

it('the guide: credits are given to a colleague, with the keyboard alone, and stand in the history', async () => {
  const v = await visit('owner');
  const colleague = await visit('member');
  const me = (await (await colleague.context.request.get('/v1/users/me')).json()) as { email: string };
  await colleague.end();
  const reason = `Project deadline support ${Date.now()}`;
  await v.open('/reallocation');
  await v.page.getByRole('button', { name: 'New transfer' }).first().focus();
  await v.page.keyboard.press('Enter');
  await v.page.getByRole('dialog').getByText(/are available/).waitFor();
  await v.page.keyboard.type(me.email);
  await v.page.keyboard.press('Tab');
  await v.page.keyboard.type('1');
  await v.page.keyboard.press('Tab');
  await v.page.keyboard.type(reason);
  expect(await violations(v.page)).toEqual([]);
  await v.page.keyboard.press('Tab');
  await v.page.keyboard.press('Tab');
  await v.page.keyboard.press('Enter');
  await v.page.getByRole('dialog').waitFor({ state: 'detached' });
  await v.page.getByRole('group', { name: 'Transfers' }).getByText(reason).waitFor();
  v.clean();
  await v.end();
});
