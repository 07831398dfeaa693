import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closed, violations, visit, type Visit } from '../../../browser/rig';

const people = 3000;
let v: Visit;

/** A crowd that only this file looks at, made by one job over the API. */
beforeAll(async () => {
  v = await visit('owner');
  const csv = ['email,name,personal_quota', ...Array.from({ length: people }, (_, i) => `crowd${String(i).padStart(4, '0')}@company.com,Crowd ${String(i).padStart(4, '0')},${1000 + i}`)].join('\n');
  const made = await v.context.request.post('/v1/admin/jobs', { data: { kind: 'import_people', csv } });
  expect(made.status(), await made.text()).toBeLessThan(300);
  const { id } = (await made.json()) as { id: string };
  for (let state = 'queued'; state !== 'succeeded'; ) {
    await new Promise((done) => setTimeout(done, 200));
    state = ((await (await v.context.request.get(`/v1/admin/jobs/${id}`)).json()) as { state: string }).state;
    expect(state).not.toBe('failed');
  }
});
afterAll(closed);

const rows = () => v.page.locator('[role=group][aria-label=People] tbody tr[data-index]');
const shown = async () => Number(/of ([\d,]+)/.exec((await v.page.getByText(/^[\d,]+–[\d,]+ of /).textContent())!)![1]!.replaceAll(',', ''));

/** Turns the wheel until a row is looked at. */
async function scrolledTo(n: number): Promise<void> {
  const last = async () => Number(/–([\d,]+) of/.exec((await v.page.getByText(/^[\d,]+–[\d,]+ of /).textContent())!)![1]!.replaceAll(',', ''));
  for (let turns = 0; turns < 500 && (await last()) < n; turns++) {
    await v.page.mouse.wheel(0, 3000);
    await v.page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  }
  expect(await last()).toBeGreaterThanOrEqual(n);
}

describe('Manage Users with thousands of people', () => {
  it('is scrolled from the first to the last, with no more rows in the document than fit around the window', async () => {
    await v.open('/users?q=crowd&sort=name');
    expect(await shown()).toBe(people);
    await v.page.mouse.move(700, 600);
    await v.page.evaluate(() => {
      const long: number[] = [];
      (window as unknown as { long: number[] }).long = long;
      new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
    });
    let most = 0;
    for (const n of [500, 1500, people]) {
      await scrolledTo(n);
      most = Math.max(most, await rows().count());
    }
    const long = await v.page.evaluate(() => (window as unknown as { long: number[] }).long);
    console.log(`${people} rows scrolled: at most ${most} in the document, ${long.length} tasks over 50 ms, the longest ${Math.round(Math.max(0, ...long))} ms`);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThan(60);
    // The end is the end: nothing more comes, and nothing is missing.
    expect(await rows().last().getAttribute('aria-rowindex')).toBe(String(people + 1));
    // A row that is half under the head or the foot is a small target to axe. pages.test.ts has whole rows.
    expect((await violations(v.page)).filter((line) => !line.startsWith('target-size'))).toEqual([]);
    v.clean();
  });

  it('comes back to its place from a person, and keeps what the address says', async () => {
    await v.open('/users?q=crowd&sort=name');
    await v.page.mouse.move(700, 600);
    await scrolledTo(people);
    const link = v.page.getByRole('link', { name: 'Crowd 2995', exact: true });
    await link.click();
    await v.page.getByRole('heading', { name: 'Crowd 2995', level: 1 }).waitFor();
    await v.page.goBack();
    await link.waitFor();
    expect(await link.isVisible()).toBe(true);
    expect(new URL(v.page.url()).searchParams.get('q')).toBe('crowd');

    // Another order is another list: it is read from its beginning.
    await v.page.getByRole('button', { name: /^Sort by Quota/ }).click();
    await v.page.getByRole('link', { name: 'Crowd 2999', exact: true }).waitFor();
    expect(await v.page.evaluate(() => window.scrollY)).toBeLessThan(200);
    await v.page.reload();
    await v.settled();
    await v.page.getByRole('link', { name: 'Crowd 2999', exact: true }).waitFor();
    v.clean();
  });

  it('is walked by keyboard: Tab goes on past what was in the document, and the focus outlives scrolling', async () => {
    await v.open('/users?q=crowd&sort=name');
    await v.page.getByRole('link', { name: 'Crowd 0000', exact: true }).focus();
    for (let i = 0; i < 60; i++) await v.page.keyboard.press('Tab'); // three stops a row
    const at = await v.page.evaluate(() => Number(document.activeElement?.closest('tr')?.getAttribute('data-index')));
    expect(at).toBe(20);
    const seen = await v.page.evaluate(() => {
      const { top, bottom } = document.activeElement!.getBoundingClientRect();
      return top >= 56 && bottom <= window.innerHeight;
    });
    expect(seen).toBe(true);
    await v.page.mouse.move(700, 600);
    for (let i = 0; i < 5; i++) await v.page.mouse.wheel(0, 3000);
    await v.page.getByText(/^[\d,]+–[\d,]+ of/).waitFor();
    expect(await v.page.evaluate(() => Number(document.activeElement?.closest('tr')?.getAttribute('data-index')))).toBe(20);
    v.clean();
  });

  it('selects all that match, and only those that are loaded without that', async () => {
    await v.open('/users?q=crowd&sort=name');
    await v.page.getByLabel(/^Select the \d+ rows that are loaded/).check();
    const selected = await v.page.getByText(/^\d+ selected$/).textContent();
    expect(parseInt(selected!)).toBeLessThan(people);
    await v.page.getByRole('button', { name: 'Select all 3,000 that match' }).click();
    await v.page.getByText('All 3,000 people that match “crowd”').waitFor();
    v.clean();
  });
});
