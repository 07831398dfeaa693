import type { CDPSession } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { pages } from '../src/pages';
import { closed, visit, world } from './rig';

afterAll(closed);

interface Figures {
  first: number;
  largest: number;
  shift: number;
  blocking: number;
  bytes: number;
  elements: number;
}

const ways = [
  { name: '1440', width: 1440, slower: 1 },
  { name: '390', width: 390, slower: 1 },
  { name: '1440, CPU ÷ 4', width: 1440, slower: 4 },
] as const;

/** What Lighthouse measures in a browser, of a page that is opened for the first time: nothing is cached, somebody is signed in. */
async function measured(path: string, width: number, slower: number): Promise<Figures> {
  const v = await visit('owner', { width, reducedMotion: false });
  await v.page.addInitScript(() => {
    const seen = { largest: 0, shift: 0, blocking: 0 };
    (window as unknown as { seen: typeof seen }).seen = seen;
    new PerformanceObserver((l) => (seen.largest = l.getEntries().at(-1)!.startTime)).observe({ type: 'largest-contentful-paint', buffered: true });
    new PerformanceObserver((l) => {
      for (const e of l.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!e.hadRecentInput) seen.shift += e.value;
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) seen.blocking += Math.max(0, e.duration - 50);
    }).observe({ type: 'longtask', buffered: true });
  });
  const session: CDPSession = await v.context.newCDPSession(v.page);
  let bytes = 0;
  session.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength));
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await v.open(path);
  await v.page.evaluate(() => new Promise((idle) => requestIdleCallback(idle)));
  const figures = await v.page.evaluate(() => {
    const { seen } = window as unknown as { seen: { largest: number; shift: number; blocking: number } };
    return { ...seen, first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, elements: document.querySelectorAll('*').length };
  });
  await v.end();
  return { ...figures, bytes };
}

it('figures of every page, without a network', async () => {
  await measured('/', 1440, 1); // the server's own first time is not the page's
  console.log('| page | window | first paint | largest paint | layout shift | blocked | transferred | elements |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const page of pages.filter((p) => !p.dev)) {
    for (const way of ways) {
      const f = await measured(page.sample ? page.sample(world) : page.path, way.width, way.slower);
      expect(f.first).toBeGreaterThan(0);
      console.log(`| ${page.title} | ${way.name} | ${Math.round(f.first)} ms | ${Math.round(f.largest)} ms | ${f.shift.toFixed(3)} | ${Math.round(f.blocking)} ms | ${Math.round(f.bytes / 1024)} KB | ${f.elements} |`);
    }
  }
}, 900_000);
