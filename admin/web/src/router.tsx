import type { QueryClient } from '@tanstack/react-query';
import { createRootRoute, createRoute, createRouter, retainSearchParams, type AnyRoute } from '@tanstack/react-router';
import { pages } from './pages';
import { lazyPage } from './shell/lazyPage';
import { NotFound } from './shell/NotFound';
import { PageFailed } from './shell/PageFailed';
import { PageLoading } from './shell/PageLoading';
import { Root } from './shell/Root';
import { parseSearch, stringifySearch } from './url/state';

/** Routes every page of the registry below /static, each in a chunk of its own. */
export function createAppRouter(queries: QueryClient) {
  const root = createRootRoute({
    component: Root,
    notFoundComponent: NotFound,
    search: { middlewares: [retainSearchParams(['scope', 'period'] as never)] },
  });
  const children: AnyRoute[] = pages.map((page) =>
    createRoute({ getParentRoute: () => root, path: page.path, component: lazyPage(page.load), errorComponent: PageFailed, pendingComponent: PageLoading }),
  );
  return createRouter({
    routeTree: root.addChildren(children),
    basepath: '/static',
    parseSearch,
    stringifySearch,
    context: { queries } as never,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 300,
    defaultErrorComponent: PageFailed,
    scrollRestoration: true,
    trailingSlash: 'never',
  });
}
