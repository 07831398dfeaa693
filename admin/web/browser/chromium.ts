import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    browser: string;
  }
}

/** Starts the one Chromium that every file of the tests opens its pages in. */
export default async function (project: TestProject): Promise<() => Promise<void>> {
  const { chromium: executablePath } = JSON.parse(readFileSync(process.env.ALFRED_BROWSER_WORLD!, 'utf8')) as { chromium: string };
  // As root, as on CI, Chromium has no sandbox; it only ever sees what the tests made.
  const server = await chromium.launchServer({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  project.provide('browser', server.wsEndpoint());
  return () => server.close();
}
