import { afterAll, describe, expect, it } from 'vitest';
import { closed, picture, violations, visit, world } from '../../../browser/rig';

afterAll(closed);

interface Denial {
  type: string;
  instance: string;
  decision_id: string;
}

/** A refusal, as the program of the person got it. */
async function refused(): Promise<Denial> {
  const answer = await fetch(`${world.base}/v1/chat/completions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${world.keys.refused}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', max_tokens: 4000, messages: [{ role: 'user', content: 'Say something about credit pools, and not too short.' }] }),
  });
  expect(answer.status).toBe(429);
  const body = (await answer.json()) as Denial;
  expect(answer.headers.get('x-alfred-decision-id')).toBe(body.decision_id);
  for (let i = 0; i < 200; i++) {
    const there = await fetch(`${world.base}/v1/decisions/${body.decision_id}`, { headers: { Authorization: `Bearer ${world.keys.refused}` } });
    if (there.ok) return body;
    await new Promise((done) => setTimeout(done, 50)); // it is batched to the record
  }
  throw new Error('the decision is not on record');
}

describe('from a denial to Explain, by the person it happened to', () => {
  it('is the instance of the answer, opened in a browser', async () => {
    const denial = await refused();
    const v = await visit('refused');
    await v.page.goto(denial.instance);
    await v.settled();
    expect(new URL(v.page.url()).pathname).toBe(`/static/explain/${denial.decision_id}`);
    await v.page.getByRole('heading', { name: 'Why was this refused?', level: 1 }).waitFor();
    v.clean();
    await v.end();
  });

  it('is two steps from its type, with the keyboard alone, and says the checks, what would pass, and whom to ask', async () => {
    const denial = await refused();
    const v = await visit('refused');
    await v.page.goto(denial.type);
    const walk = async (name: RegExp) => {
      for (let i = 0; i < 60; i++) {
        await v.page.keyboard.press('Tab');
        if (name.test(await v.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''))) return;
      }
      throw new Error(`Tab does not come to ${name}`);
    };
    await walk(/^Your refusals$/);
    await v.page.keyboard.press('Enter'); // one
    await v.page.getByRole('link', { name: /^Explain: / }).first().waitFor();
    await v.settled();
    await walk(/^Explain: /);
    await v.page.keyboard.press('Enter'); // two
    await v.page.getByRole('heading', { name: 'Why was this refused?', level: 1 }).waitFor();
    await v.settled();
    expect(await v.page.evaluate(() => document.activeElement?.id)).toBe('main');

    const checks = v.page.getByRole('list', { name: 'Checks in their order' }).getByRole('listitem');
    expect(await checks.first().innerText()).toContain('passed');
    const failed = checks.filter({ hasText: 'failed' });
    await failed.getByText('Personal quota').first().waitFor();
    await failed.getByText('credits left').waitFor();
    await v.page.getByRole('heading', { name: 'What would pass?' }).waitFor();
    // The next window would not help: the quota is smaller than what is asked.
    expect(await v.page.getByText(/^after 1 /).count()).toBe(0);
    await v.page.getByText(/with [\d,]+ more credits/).waitFor();
    await v.page.getByRole('list', { name: 'People who can give more' }).getByRole('link').first().waitFor();
    expect(await v.page.getByRole('link', { name: /^Ask .* for more$/ }).getAttribute('href')).toMatch(/^mailto:.+subject=.+body=.+explain/);
    expect(await violations(v.page)).toEqual([]);
    await picture(v.page, 'explain-mine-light-1440');

    await walk(/^Copy for support$/);
    await v.page.keyboard.press('Enter');
    await v.page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await v.page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain('user_quota_exceeded');
    expect(copied).not.toContain(world.keys.refused);
    v.clean();
    await v.end();
  });

  it('is two clicks from My usage, and somebody else may not read it', async () => {
    const v = await visit('refused');
    await v.open('/my-usage');
    await v.page.getByRole('link', { name: /^Explain: / }).first().click();
    await v.page.getByRole('heading', { name: 'Why was this refused?', level: 1 }).waitFor();
    v.clean();
    await v.end();

    const other = await visit('member');
    other.allow(/^GET \/v1\/decisions\/.* 40[34]$/);
    await other.open(`/explain/${world.decision}`);
    await other.page.getByText('can be read by the person it happened to').waitFor();
    other.clean();
    await other.end();
  });
});
