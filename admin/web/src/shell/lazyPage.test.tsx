import { act, render, screen } from '@testing-library/react';
import { Component, Suspense, type ReactNode } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { lazyPage, PageMissing } from './lazyPage';

class Boundary extends Component<{ children: ReactNode; told: (e: unknown) => void }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError() {
    return { failed: true };
  }
  override componentDidCatch(error: unknown) {
    this.props.told(error);
  }
  override render() {
    return this.state.failed ? <p>failed</p> : this.props.children;
  }
}

beforeEach(() => {
  sessionStorage.clear();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => vi.unstubAllGlobals());

const gone = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module: /static/assets/Gone.js'));

it('loads the app anew when the server answers and the page is not of its version any more', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 200 })));
  const reload = vi.fn();
  const Page = lazyPage(gone, reload);
  render(
    <Suspense>
      <Page />
    </Suspense>,
  );
  await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(1));
  expect(sessionStorage).toHaveLength(1);
});

it('does so once: a document as old as the one before says what is the matter', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 200 })));
  sessionStorage.setItem('alfred-reload:TypeError: Failed to fetch dynamically imported module: /static/assets/Gone.js', '1');
  const reload = vi.fn();
  const told = vi.fn();
  const Page = lazyPage(gone, reload);
  await act(async () => {
    render(
      <Boundary told={told}>
        <Suspense>
          <Page />
        </Suspense>
      </Boundary>,
    );
  });
  await screen.findByText('failed');
  expect(reload).not.toHaveBeenCalled();
  expect((told.mock.calls[0]![0] as PageMissing).cause).toBeNull();
});

it('does not load anything anew without a network, and shows the page once it comes', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  const reload = vi.fn();
  let network = false;
  const Page = lazyPage(() => (network ? Promise.resolve({ default: () => <p>here</p> }) : gone()), reload);
  const told = vi.fn();
  const shown = (key: string) => (
    <Boundary told={told} key={key}>
      <Suspense>
        <Page />
      </Suspense>
    </Boundary>
  );
  const { rerender } = render(shown('first'));
  await screen.findByText('failed');
  const missing = told.mock.calls[0]![0] as PageMissing;
  expect(missing.cause?.code).toBe('unreachable');
  expect(reload).not.toHaveBeenCalled();
  network = true;
  await missing.again();
  rerender(shown('second'));
  await screen.findByText('here');
});
