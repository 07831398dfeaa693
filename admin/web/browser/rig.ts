import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { mkdirSync, readFileSync } from 'node:fs';
import { expect, inject } from 'vitest';
import type { SampleWorld } from '../src/pages';

/** Who the browser can be signed in as. */
export type Role = 'owner' | 'admin' | 'teamAdmin' | 'member' | 'refused' | 'suspended' | 'revoked';

export interface World extends SampleWorld {
  base: string;
  chromium: string;
  /** Nothing has happened yet in this stack. */
  fresh: boolean;
  keys: Record<Role, string>;
}

export const world: World = JSON.parse(readFileSync(process.env.ALFRED_BROWSER_WORLD!, 'utf8'));

export const schemes = ['light', 'dark'] as const;
export const widths = [1440, 390] as const;

let browser: Promise<Browser> | null = null;

function connected(): Promise<Browser> {
  return (browser ??= chromium.connect(inject('browser')));
}

/** Closes what this file has opened; the browser itself is everybody's. */
export async function closed(): Promise<void> {
  await (await browser)?.close();
  browser = null;
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Opens a path below /static and waits until nothing is loading. */
  open(path: string): Promise<void>;
  /** Waits until what is asked for has come. */
  settled(): Promise<void>;
  /** Fails on what the page did wrong since the last time: console, exceptions, foreign requests, policy, refused requests. */
  clean(): void;
  /** A refusal that is a part of the story, as 'PATCH /v1/admin/users/… 412'. */
  allow(what: RegExp): void;
  end(): Promise<void>;
}

const states = new Map<Role, Awaited<ReturnType<BrowserContext['storageState']>>>();

/** A browser of its own, signed in unless role is null. */
export async function visit(role: Role | null, options: { scheme?: 'light' | 'dark'; width?: number; height?: number; reducedMotion?: boolean } = {}): Promise<Visit> {
  const context = await (await connected()).newContext({
    baseURL: world.base,
    colorScheme: options.scheme ?? 'light',
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Oslo',
    reducedMotion: options.reducedMotion === false ? 'no-preference' : 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    storageState: role ? states.get(role) : undefined,
  });
  if (role && !states.has(role)) {
    const answer = await context.request.post('/v1/auth/session', { data: { api_key: world.keys[role] } });
    if (!answer.ok()) throw new Error(`sign in as ${role}: ${answer.status()} ${await answer.text()}`);
    states.set(role, await context.storageState());
  }
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.ALFRED_BROWSER_PATIENCE ?? 60_000)); // a machine that does much else
  const wrong: string[] = [];
  const allowed: RegExp[] = [];
  if (!role) allowed.push(/^GET \/v1\/auth\/session 401$/);
  page.on('console', (m) => {
    // Refused requests are told by their response, with what was asked.
    if ((m.type() === 'error' || m.type() === 'warning') && !m.text().startsWith('Failed to load resource')) wrong.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => wrong.push(`exception: ${e.message}`));
  page.on('dialog', (d) => {
    wrong.push(`a dialog of the browser: ${d.message()}`);
    void d.dismiss();
  });
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== world.base) wrong.push(`foreign request: ${r.url()}`);
  });
  page.on('response', (r) => {
    const what = `${r.request().method()} ${new URL(r.url()).pathname} ${r.status()}`;
    if (r.status() >= 400 && !allowed.some((a) => a.test(what))) wrong.push(`refused: ${what}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
  const settled = async () => {
    await page.waitForFunction(
      () => document.querySelector('main') !== null && document.querySelector('main [aria-busy=true], main .mantine-Skeleton-root[data-visible=true]') === null && document.fonts.status === 'loaded',
      undefined,
      { timeout: 60_000 },
    );
    // Two frames, so that what was just set is painted.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  };
  return {
    page,
    context,
    settled,
    async open(path) {
      await page.goto(`/static${path}`);
      await settled();
    },
    clean() {
      const said = wrong.splice(0);
      if (said.length) throw new Error(`${page.url()} did wrong:\n${said.join('\n')}`);
    },
    allow: (what) => void allowed.push(what),
    end: () => context.close(),
  };
}

/** The accessibility violations of what is shown, as lines that say where. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(`window.axe || (() => { ${axe.source} })()`);
  const found = await page.evaluate(async () => {
    const result = await (window as unknown as { axe: typeof axe }).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] });
    return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id} (${v.impact}): ${n.target.join(' ')} – ${n.failureSummary?.split('\n').slice(1).join(' ').trim()}`));
  });
  return found;
}

/** How many pixels the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth));
}

/** Keeps a picture of the whole page when pictures are wanted: in a window as tall as the page, where nothing sticks half-way. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.ALFRED_SCREENSHOTS !== 'true') return;
  const window = page.viewportSize()!;
  await page.setViewportSize({ width: window.width, height: Math.max(window.height, Math.min(6000, await page.evaluate(() => document.documentElement.scrollHeight))) });
  const folder = new URL('../screenshots/', import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled' });
  await page.setViewportSize(window);
}

/** What is open looks right in both themes and at both widths. */
export async function looksRight(v: Visit, name: string) {
  const wrong: string[] = [];
  for (const width of widths) {
    await v.page.setViewportSize({ width, height: 900 });
    for (const scheme of schemes) {
      await v.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await v.page.waitForFunction((s) => document.documentElement.dataset.mantineColorScheme === s && document.getAnimations().every((a) => a.playState !== 'running'), scheme);
      await picture(v.page, `${name}-${scheme}-${width}`);
      wrong.push(...(await violations(v.page)).map((line) => `${scheme}, ${width}: ${line}`));
      const over = await overflow(v.page);
      if (over) wrong.push(`${scheme}, ${width}: ${over} px wider than the window`);
    }
  }
  await v.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await v.page.setViewportSize({ width: 1440, height: 900 });
  expect(wrong).toEqual([]);
}
