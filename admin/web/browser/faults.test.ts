import type { Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from '../src/pages';
import { closed, picture, violations, visit, world, type Visit } from './rig';

let v: Visit;
beforeAll(async () => {
  v = await visit('owner');
  v.allow(/ 500$/);
});
afterAll(closed);

/** What a page asks for once somebody is signed in. Streams are not waited for, and the inbox stands around every page. */
const data = (url: URL) => /^\/v1\//.test(url.pathname) && !/^\/v1\/auth\/|\/stream$|\/me\/inbox$/.test(url.pathname);

const broken = {
  status: 500,
  headers: { 'X-Request-ID': 'req_01BROKEN' },
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: 'about:blank', title: 'Internal error', status: 500, detail: 'The record cannot be read.', code: 'internal_error', remedy: 'Try again in a moment.' }),
};

/** The true answer with every list in it emptied, which is what a new organisation has. */
async function emptied(route: Route): Promise<void> {
  const answer = await route.fetch();
  if (route.request().method() !== 'GET' || !answer.ok() || !answer.headers()['content-type']?.includes('json')) return route.fulfill({ response: answer });
  const body = (await answer.json()) as Record<string, unknown>;
  for (const [name, value] of Object.entries(body)) if (Array.isArray(value)) body[name] = [];
  if ('total' in body) body.total = 0;
  if ('next_cursor' in body) body.next_cursor = null;
  return route.fulfill({ response: answer, json: body });
}

const busy = 'main [aria-busy=true], main .mantine-Skeleton-root';

/** Presses every "Try again" until none is left. By its whole name: "Try to book an entry again" is an operation. */
async function triedAgain(v: Visit): Promise<void> {
  const again = v.page.locator('main').getByRole('button', { name: 'Try again', exact: true });
  for (let i = 0; i < 20 && (await again.count()) > 0; i++) {
    await again.first().click({ timeout: 5_000 }).catch(() => undefined); // it may have gone with its neighbour's success
    await v.settled();
  }
}

describe('every page that waits, is refused, asks again, and has nothing', () => {
  it.each(pages.filter((p) => !p.dev).map((p) => [p.name, p] as const))('%s', async (name, page) => {
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    let asked = 0;
    await v.page.route(data, async (route) => {
      asked++;
      await held;
      await route.fulfill(broken).catch(() => undefined); // what asked has gone
    });
    await v.page.goto(`/static${page.sample ? page.sample(world) : page.path}`);
    await v.page.locator('main h1').first().waitFor();
    if (asked > 0) await v.page.locator(busy).first().waitFor({ state: 'attached' });

    release();
    await v.settled();
    if (asked > 0) {
      await v.page.locator('main').getByText('req_01BROKEN').first().waitFor();
      await v.page.locator('main').getByRole('button', { name: 'Try again', exact: true }).first().waitFor();
      await picture(v.page, `${name}-broken-light-1440`);
      expect(await violations(v.page)).toEqual([]);
    }

    await v.page.unroute(data);
    await triedAgain(v);
    expect(await v.page.locator('main').getByText('req_01BROKEN').count()).toBe(0);
    expect(await v.page.locator('main h1').count()).toBe(1);

    await v.page.route(data, emptied);
    await v.page.reload();
    await v.settled();
    await picture(v.page, `${name}-empty-light-1440`);
    expect(await v.page.locator('main h1').count()).toBe(1);
    expect(await v.page.locator('main [role=alert]').count()).toBe(0);
    expect(await violations(v.page)).toEqual([]);
    await v.page.unroute(data);
    v.clean();
  });
});

describe('without a network', () => {
  let w: Visit;
  beforeAll(async () => {
    w = await visit('owner');
  });
  it.each(pages.filter((p) => !p.dev).map((p) => [p.name, p] as const))('%s says so, and comes when it is back', async (_, page) => {
    await w.open(page.name === 'guide' ? '/my-usage' : '/guide');
    await w.context.setOffline(true);
    // As a link would lead there; not every page has one in the sidebar.
    await w.page.evaluate((to) => window.history.pushState({}, '', to), `/static${page.sample ? page.sample(world) : page.path}`);
    // The guide asks for nothing: where the browser has kept its text, it comes without a network.
    const said = w.page.locator('main').getByText('Alfred does not answer').first();
    await (page.name === 'guide' ? said.or(w.page.getByRole('heading', { name: page.title, level: 1 })) : said).waitFor();
    await w.context.setOffline(false);
    await triedAgain(w);
    await (page.section ? w.page.getByRole('heading', { name: page.title, level: 1 }) : w.page.locator('main h1')).waitFor();
    expect(await w.page.locator('main').getByText('Alfred does not answer').count()).toBe(0);
    expect(await w.page.locator('main').getByRole('button', { name: 'Try again', exact: true }).count()).toBe(0);
  });
});
