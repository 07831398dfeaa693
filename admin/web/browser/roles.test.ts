import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../src/api/permission';
import { pages } from '../src/pages';
import { closed, visit, world, type Role } from './rig';

afterAll(closed);

const opens: Record<string, Need[]> = { member: ['member'], teamAdmin: ['member', 'team admin'], admin: ['member', 'team admin', 'admin'] };

describe('every page, as everybody', () => {
  it.each(Object.entries(opens))('%s sees what is theirs without one refused request, and is told of the rest', async (role, needs) => {
    const v = await visit(role as Role);
    // Another person's decision and page are not theirs, whoever administers.
    for (const page of pages.filter((p) => !p.dev && !(role !== 'admin' && p.sample))) {
      await v.open(page.sample ? page.sample(world) : page.path);
      if (needs.includes(page.need)) {
        expect(await v.page.title()).toBe(`${page.title} – Alfred`);
      } else if (page.path === '/') {
        await v.page.getByRole('heading', { name: 'My usage', level: 1 }).waitFor();
      } else {
        await v.page.locator('main').getByText(`${page.title} is for`).waitFor();
        await v.page.locator('main').getByRole('link', { name: 'See my usage' }).waitFor();
      }
      expect(await v.page.getByRole('link', { name: page.title, exact: true }).count(), `${page.title} in the sidebar`).toBe(page.section && needs.includes(page.need) ? 1 : 0);
      v.clean();
    }
    await v.end();
  });
});
