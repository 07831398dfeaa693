import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// What Mantine asks of a browser and jsdom does not have.
if (typeof window !== 'undefined') {
  window.matchMedia ??= ((query: string) => ({
    // A wide window: what is asked of its width is true.
    matches: query === '' || query.startsWith('(min-width'),
    media: query,
    onchange: null,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
    dispatchEvent: () => false,
  })) as typeof window.matchMedia;
  window.ResizeObserver ??= class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  window.HTMLElement.prototype.scrollIntoView ??= () => {};
  if (!document.fonts) Object.defineProperty(document, 'fonts', { value: new EventTarget() });
  window.scrollTo = () => {};
}

// A machine that does much else is slow, and that is not what the tests are about.
configure({ asyncUtilTimeout: 30_000 });

afterEach(cleanup);
