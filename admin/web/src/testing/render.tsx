import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { sessionQuery, type Session } from '../api/session';
import { theme } from '../theme/theme';
import { parseSearch, stringifySearch } from '../url/state';

/** An owner in Oslo in November 2026. */
export const owner: Session = {
  user: { id: 'usr_owner', name: 'Ada Lovelace', email: 'ada@company.com' },
  role: 'owner',
  permissions: new Set(),
  teamsAdministered: [],
  organisation: { name: 'Company', zone: 'Europe/Oslo', unit: 'credits' },
  window: { start: '2026-10-31T23:00:00Z', end: '2026-11-30T23:00:00Z', zone: 'Europe/Oslo' },
  key: { prefix: 'tp-3kQ9', name: '' },
  baseUrl: 'http://localhost:8000/v1',
  onboarded: true,
  demo: false,
};

/** Renders a page or a component as it stands in the app: signed in, at an address, with queries that do not ask again. */
export async function show(ui: ReactNode, options: { session?: Session; at?: string; path?: string } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(sessionQuery.queryKey, options.session ?? owner);
  const root = createRootRoute();
  const page = createRoute({ getParentRoute: () => root, path: options.path ?? '/', component: () => <>{ui}</> });
  const rest = createRoute({ getParentRoute: () => root, path: '$', component: () => null });
  const history = createMemoryHistory({ initialEntries: [options.at ?? '/'] });
  const router = createRouter({ routeTree: root.addChildren([page, rest]), history, parseSearch, stringifySearch });
  await router.load();
  const view = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, user: userEvent.setup(), router, queries };
}

/** Answers the API's paths in a component's test: `answering({'GET /v1/users/me': {status: 200, body: …}})`. Gives what was asked. */
export function answering(answers: Record<string, { status?: number; body?: unknown; headers?: Record<string, string> }>) {
  const asked: { method: string; path: string; query: string; body: unknown; headers: Headers }[] = [];
  globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(input, init);
    const url = new URL(request.url);
    const text = request.method === 'GET' ? '' : await request.clone().text();
    asked.push({ method: request.method, path: url.pathname, query: url.search, body: text ? JSON.parse(text) : undefined, headers: request.headers });
    const answer = answers[`${request.method} ${url.pathname}`];
    const status = answer?.status ?? (answer ? 200 : 404);
    const body = answer?.body ?? { error: { code: 'not_found', message: `The test has no answer for ${request.method} ${url.pathname}.` } };
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...answer?.headers } });
  };
  return asked;
}
