import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closed, visit, type Visit } from '../../../browser/rig';

/** ALFRED_BROWSER_PEOPLE=100000 takes two minutes, and the page does nothing else than with ten thousand. */
const people = Number(process.env.ALFRED_BROWSER_PEOPLE ?? 10_000);
const nameOf = (i: number) => `Person ${String(i).padStart(6, '0')}`;
let v: Visit;

interface Seen {
  asked: number;
  frames: number;
  late: number;
  longest: number;
  rows: number;
}
type Watched = typeof window & { seen: Seen };

/** Answers the list in the browser itself, by a cursor, with people whom nobody has made: a thousand pages are otherwise mostly waiting. */
beforeAll(async () => {
  v = await visit('owner');
  await v.page.addInitScript((people) => {
    const seen: Seen = { asked: 0, frames: 0, late: 0, longest: 0, rows: 0 };
    (window as Watched).seen = seen;
    const at = '2026-11-01T00:00:00Z';
    const person = (i: number) => {
      const id = `usr_${String(i).padStart(26, '0')}`;
      const name = `Person ${String(i).padStart(6, '0')}`;
      const status = i % 50 === 7 ? 'on_vacation' : 'active';
      const quota = { effective_quota: 1000 + i, personal_quota: 1000 + i, used_tokens: i % 1000, used_percent: ((i % 1000) / (1000 + i)) * 100, source: { level: 'user', id, name } };
      return { id, name, email: `person${i}@company.com`, kind: 'person', access_role: 'member', status, ...quota, max_priority: 'critical', teams: [], department_id: null, created_at: at, updated_at: at, last_seen_at: at, vacation_until: null };
    };
    const real = window.fetch;
    window.fetch = (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input), location.href);
      if (url.pathname !== '/v1/admin/users') return real(input, init);
      seen.asked++;
      const cursor = url.searchParams.get('cursor');
      const from = cursor ? Number(atob(cursor)) : 0;
      const to = Math.min(from + Number(url.searchParams.get('limit') ?? 50), people);
      const data = Array.from({ length: to - from }, (_, n) => person(from + n));
      return Promise.resolve(Response.json({ data, has_more: to < people, next_cursor: to < people ? btoa(String(to)) : null, total: people }));
    };
  }, people);
});
afterAll(closed);

const row = (i: number) => v.page.locator(`[role=group][aria-label=People] tbody tr[data-index="${i}"]`);
const focused = () => v.page.evaluate(() => Number(document.activeElement?.closest('tr')?.getAttribute('data-index') ?? NaN));
const seen = () => v.page.evaluate(() => (window as Watched).seen);

describe(`Manage Users with ${people} people`, () => {
  it('is walked to its end by the End key, with few rows in the document; what is selected and has the focus stays', async () => {
    await v.open('/users?sort=name');
    await v.page.getByText(new RegExp(`of ${people.toLocaleString('en')}$`)).waitFor();
    await row(3).getByRole('checkbox').check();
    await row(5).getByRole('link', { name: nameOf(5) }).focus();

    await v.page.evaluate(() => {
      const { seen } = window as Watched;
      let before = performance.now();
      const frame = (now: number) => {
        seen.frames++;
        seen.longest = Math.max(seen.longest, now - before);
        if (now - before > 50) seen.late++;
        seen.rows = Math.max(seen.rows, document.querySelectorAll('[role=group][aria-label=People] tbody tr[data-index]').length);
        before = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    const began = Date.now();
    let presses = 0;
    for (; (await row(people - 1).count()) === 0; presses++) {
      await v.page.keyboard.press('End');
      // Whoever stands at the end has some pages read for them before they press again.
      await v.page.evaluate(
        (pages) =>
          new Promise<void>((done) => {
            const { seen } = window as Watched;
            const enough = Math.min(seen.asked + 6, pages);
            let waits = 0;
            const look = () => (seen.asked >= enough || ++waits > 50 ? requestAnimationFrame(() => requestAnimationFrame(() => done())) : setTimeout(look, 10));
            look();
          }),
        people / 100,
      );
    }
    await row(people - 1).getByRole('link', { name: nameOf(people - 1) }).waitFor();
    const { asked, frames, late, longest, rows } = await seen();
    console.log(
      `${people} rows to the end in ${Math.round((Date.now() - began) / 1000)} s, ${presses} times End and ${asked} pages: at most ${rows} rows in the document; ${frames} frames, ${late} over 50 ms, the longest ${Math.round(longest)} ms`,
    );
    expect(rows).toBeGreaterThan(10);
    expect(rows).toBeLessThan(70);
    expect(await row(people - 1).getAttribute('aria-rowindex')).toBe(String(people + 1));

    // The focus is where it was, and what was selected is; more can be.
    expect(await focused()).toBe(5);
    await v.page.getByText('1 selected', { exact: true }).waitFor();
    // The last rows are as high as they are only now.
    const atEnd = async () => {
      await v.page.keyboard.press('End');
      return row(people - 1).evaluate((r) => r.getBoundingClientRect().bottom <= window.innerHeight);
    };
    await expect.poll(atEnd, { timeout: 10_000, interval: 200 }).toBe(true);
    await row(people - 1).getByRole('checkbox').check();
    await v.page.getByText('2 selected', { exact: true }).waitFor();
    expect(await focused()).toBe(people - 1);
    await v.page.keyboard.press('Home');
    await row(3).waitFor();
    expect(await row(3).getByRole('checkbox').isChecked()).toBe(true);
    expect(await row(4).getByRole('checkbox').isChecked()).toBe(false);
    expect(await focused()).toBe(people - 1);
    v.clean();
  }, 900_000);
});
