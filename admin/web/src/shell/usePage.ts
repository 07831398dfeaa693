import { useRouterState } from '@tanstack/react-router';
import { pages, type Page } from '../pages';

/** The page whose route is open, if it is one of the registry's. */
export function usePage(): Page | undefined {
  const route = useRouterState({ select: (s) => s.matches.at(-1)?.fullPath as string | undefined });
  const path = route && route.length > 1 ? route.replace(/\/$/, '') : route;
  return pages.find((p) => p.path === path);
}
