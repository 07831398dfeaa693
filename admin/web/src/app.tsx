import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { Problem } from './api/problem';
import { createAppRouter } from './router';
import { styleNonce } from './theme/nonce';
import { theme } from './theme/theme';

/** Asks again by itself only where that can help, and never more than twice. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Ask, and say what came of it, also where the browser believes that there is no network.
        networkMode: 'always',
        staleTime: 10_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) => failures < 2 && error instanceof Problem && error.transient && error.status !== 429,
        retryDelay: (failures) => 400 * 2 ** failures,
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}

const colorSchemes = localStorageColorSchemeManager({ key: 'alfred-color-scheme' });

export function App() {
  const [queries] = useState(createQueries);
  const [router] = useState(() => createAppRouter(queries));
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colorSchemes} getStyleNonce={styleNonce}>
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" containerWidth={420} limit={4} aria-live="polite" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
