import { hook } from '../../../browser/hook';
import { visit, violations, world, closed, picture } from '../../../browser/rig';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(closed);

// An installation in which nothing has happened yet has a stack of its own: TestFirstSteps.
describe.skipIf(!world.fresh)('First steps', () => {
  it('are checked as they happen: each flips over the stream, with nothing asked again and no reload', async () => {
    const v = await visit('owner');
    const { page, context } = v;
    const key = { Authorization: `Bearer ${world.keys.owner}` };
    // The page would also ask by itself every 15 seconds. Here it does not, so that nothing but the stream can tell it.
    await page.addInitScript(() => {
      const real = window.setInterval;
      const w = window as unknown as { unasked: number; loads: number };
      w.unasked = 0;
      window.setInterval = ((f: TimerHandler, ms?: number, ...rest: unknown[]) => (ms === 15_000 ? ++w.unasked : real(f, ms, ...rest))) as typeof setInterval;
    });
    await v.open('/onboarding');
    await page.getByText('Listening for the first request').waitFor();
    expect(await page.evaluate(() => (window as unknown as { unasked: number }).unasked)).toBeGreaterThan(0);
    await page.evaluate(() => ((window as unknown as { loaded: number }).loaded = 1));
    const flips = async (title: string, act: () => Promise<{ ok(): boolean; text(): Promise<string> }>) => {
      const step = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) });
      expect(await step.getByLabel('done').count(), title).toBe(0);
      const answer = await act();
      expect(answer.ok(), `${title}: ${await answer.text()}`).toBe(true);
      await step.getByLabel('done').waitFor();
    };
    const api = context.request;
    await flips('Make a team with a pool', () => api.post('/v1/admin/teams', { headers: key, data: { name: 'Engineering', common_pool: 1000 } }));
    await flips('Bring people in', () => api.post('/v1/admin/users', { headers: key, data: { name: 'Ada', email: 'ada@company.com' } }));
    await flips('Send a first request through Envoy', () => api.post('/v1/chat/completions', { headers: key, data: { model: 'gpt-4', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] } }));
    await flips('Name the organisation, and choose its time zone and window', () => api.patch('/v1/admin/organization', { headers: key, data: { name: 'Company AS' } }));
    await flips('Watch a limit in shadow mode', () => api.put('/v1/admin/limits', { headers: key, data: { data: [{ scope: 'model', subject: 'gpt-4', metric: 'credits', credits: 5000, mode: 'shadow' }] } }));
    const slack = await hook();
    const channel = await (await api.post('/v1/admin/channels', { headers: key, data: { name: '#llm-costs', address: slack.address } })).json();
    await flips('Choose where alerts go, and send a test', () => api.post(`/v1/admin/channels/${channel.id}/test`, { headers: key }));
    expect(slack.said).toHaveLength(1);
    slack.close();
    await page.getByText('Everything is set up').waitFor();
    expect(await page.evaluate(() => (window as unknown as { loaded?: number }).loaded)).toBe(1);
    expect(await violations(page)).toEqual([]);
    await picture(page, 'first-steps-done-light-1440');
    v.clean();
    await v.end();
  });

  it('offer demo data, of which Overview tells one story, and which one click removes', async () => {
    const v = await visit('owner');
    await v.open('/onboarding');
    await v.page.getByRole('button', { name: 'Add demo data' }).click();
    await v.page.getByRole('button', { name: 'Remove demo data' }).waitFor();
    // It is not the first step's doing: what is real is counted alone.
    await v.page.getByText('2 people, and you are one of them.').waitFor();
    expect(await v.page.getByText(/The last request went to gpt-4 of mock|A request was seen before the demo data was added/).count()).toBe(1);
    await v.open('/');
    const note = v.page.getByRole('region', { name: 'Demo data' });
    await note.getByText('Includes demo data.').waitFor();
    const overview = await (await v.context.request.get('/v1/admin/overview')).json();
    const points: { used: number }[] = overview.burn;
    expect(overview.demo_used).toBeGreaterThan(100_000);
    expect(points.every((p, i) => i === 0 || p.used >= points[i - 1]!.used)).toBe(true);
    expect(points.at(-1)!.used).toBe(overview.used);
    expect(await violations(v.page)).toEqual([]);
    for (const scheme of ['light', 'dark'] as const) {
      await v.page.emulateMedia({ colorScheme: scheme });
      for (const width of [1440, 390]) {
        await v.page.setViewportSize({ width, height: 900 });
        await picture(v.page, `overview-demo-${scheme}-${width}`);
      }
    }
    await v.page.setViewportSize({ width: 1440, height: 900 });
    await note.getByRole('button', { name: 'Remove demo data' }).click();
    await note.waitFor({ state: 'detached' });
    await v.open('/onboarding');
    await v.page.getByRole('button', { name: 'Add demo data' }).waitFor();
    expect((await (await v.context.request.get('/v1/admin/users?limit=1')).json()).total).toBe(2);
    v.clean();
    await v.end();
  });
});
