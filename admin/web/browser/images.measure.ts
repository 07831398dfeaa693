import { afterAll, it } from 'vitest';
import { closed, visit, world } from './rig';

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
