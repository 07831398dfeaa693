import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests in a real Chromium against a real stack. `go test ./admin/web/browser` starts both and then runs this.
export default defineConfig({
  resolve: {
    alias: [
      { find: '@tabler/icons-react', replacement: fileURLToPath(new URL('./browser/icons.ts', import.meta.url)) },
      { find: '@browser', replacement: fileURLToPath(new URL('./browser', import.meta.url)) },
      { find: '@', replacement: fileURLToPath(new URL('./src', import.meta.url)) },
    ],
  },
  test: {
    environment: 'node',
    globalSetup: ['browser/chromium.ts'],
    // What a page has in its worker is in its own context of the browser, so files may share the rest.
    isolate: false,
    include: process.env.ALFRED_BROWSER_WHAT ? [process.env.ALFRED_BROWSER_WHAT] : ['browser/**/*.test.ts', 'src/pages/**/*.story.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    reporters: ['verbose'],
  },
});
