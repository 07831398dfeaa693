import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../src/pages';
import { closed, overflow, picture, schemes, violations, visit, widths, world, type Visit } from './rig';

let v: Visit;
beforeAll(async () => {
  v = await visit('owner');
});
afterAll(closed);

describe('every page, in both themes and at both widths', () => {
  it.each(pages.filter((p) => !p.dev).map((p) => [p.name, p] as const))('%s', async (name, page) => {
    const path = page.sample ? page.sample(world) : page.path;
    const wrong: string[] = [];
    for (const width of widths) {
      await v.page.setViewportSize({ width, height: 900 });
      if (width === widths[0]) await v.open(path);
      for (const scheme of schemes) {
        await v.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        // The app follows the system a moment later; until then the page is in two themes.
        await v.page.waitForFunction((s) => document.documentElement.dataset.mantineColorScheme === s && document.getAnimations().every((a) => a.playState !== 'running'), scheme);
        await v.settled();
        await picture(v.page, `${name}-${scheme}-${width}`);
        wrong.push(...(await violations(v.page)).map((line) => `${scheme}, ${width}: ${line}`));
        const over = await overflow(v.page);
        if (over) wrong.push(`${scheme}, ${width}: ${over} px wider than the window`);
      }
    }
    await v.page.emulateMedia({ colorScheme: 'light' });
    expect(wrong).toEqual([]);
    expect(await v.page.title()).toBe(`${page.title} – Alfred`);
    v.clean();
  });
});
