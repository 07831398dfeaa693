import { visit, violations, world, closed, picture } from '../../../browser/rig';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(closed);

const fresh = Boolean((world as unknown as { fresh?: boolean }).fresh);

// An installation in which nothing has happened yet has a stack of its own: TestFirstSteps.
describe.skipIf(!fresh)('First steps', () => {
  it('are checked as they happen: each flips over the stream, with nothing asked again and no reload', async () => {
    const v = await visit('owner');
    const { page, context } = v;
    const key = { Authorization: `Bearer ${world.keys.owner}` };
    await v.open('/onboarding');
    await page.getByText('Listening for the first request').waitFor();
    await page.evaluate(() => ((window as unknown as { loaded: number }).loaded = 1));
    // The page's clock stands from here on and is moved by hand, less than the 15 s after which it would ask by itself.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);
    let moved = 0;
    const flips = async (title: string, act: () => Promise<{ ok(): boolean; text(): Promise<string> }>) => {
      const step = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) });
      expect(await step.getByLabel('done').count(), title).toBe(0);
      const answer = await act();
      expect(answer.ok(), `${title}: ${await answer.text()}`).toBe(true);
      for (let i = 0; i < 150 && (await step.getByLabel('done').count()) === 0; i++) {
        if (moved < 14_000) {
          await page.clock.runFor(100);
          moved += 100;
        }
        await new Promise((r) => setTimeout(r, 200));
      }
      expect(await step.getByLabel('done').count(), `${title} is done, after ${moved} ms of the page's clock`).toBe(1);
    };
    const api = context.request;
    await flips('Make a team with a pool', () => api.post('/v1/admin/teams', { headers: key, data: { name: 'Engineering', common_pool: 1000 } }));
    await flips('Bring people in', () => api.post('/v1/admin/users', { headers: key, data: { name: 'Ada', email: 'ada@company.com' } }));
    await flips('Send a first request through Envoy', () => api.post('/v1/chat/completions', { headers: key, data: { model: 'gpt-4', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] } }));
    await flips('Name the organisation, and choose its time zone and window', () => api.patch('/v1/admin/organization', { headers: key, data: { name: 'Company AS' } }));
    expect(moved).toBeLessThan(14_000);
    await page.clock.resume();
    await page.getByText('Everything is set up').waitFor();
    expect(await page.evaluate(() => (window as unknown as { loaded?: number }).loaded)).toBe(1);
    expect(await violations(page)).toEqual([]);
    await picture(page, 'first-steps-done-light-1440');
    v.clean();
    await v.end();
  });

  it('offer demo data, which one click removes', async () => {
    const v = await visit('owner');
    await v.open('/onboarding');
    await v.page.getByRole('button', { name: 'Add demo data' }).click();
    await v.page.getByRole('button', { name: 'Remove demo data' }).waitFor();
    // It is not the first step's doing: what is real is counted alone.
    await v.page.getByText('2 people.').waitFor();
    await v.page.getByRole('button', { name: 'Remove demo data' }).click();
    await v.page.getByRole('button', { name: 'Add demo data' }).waitFor();
    expect((await (await v.context.request.get('/v1/admin/users?limit=1')).json()).total).toBe(2);
    v.clean();
    await v.end();
  });
});
