import { afterAll, beforeAll, expect, it } from 'vitest';
import { closed, visit, world } from './rig';

/** An organisation that has put its first steps away: they are not in the picture. */
beforeAll(async () => {
  const v = await visit('owner');
  const answer = await v.context.request.put('/v1/admin/onboarding', { headers: { Authorization: `Bearer ${world.keys.owner}` }, data: { dismissed: true } });
  expect(answer.status(), await answer.text()).toBe(200);
  await v.end();
});
afterAll(closed);

/** The two pictures of the README. */
it.each([
  ['overview', '/'],
  ['explain', `/explain/${world.decision}`],
])('docs/images/%s.png', async (name, path) => {
  const v = await visit('owner', { scheme: 'light', width: 1440, height: 900 });
  await v.open(path);
  await v.page.screenshot({ path: new URL(`../../../docs/images/${name}.png`, import.meta.url).pathname, animations: 'disabled' });
  v.clean();
  await v.end();
});
