import type { components } from '../api/schema.gen';

/** One thing that a search found. */
export type Hit = components['schemas']['SearchResult']['data'][number];

/** The page that shows a hit, below /static. */
export function pathOf(hit: Hit): string {
  switch (hit.kind) {
    case 'user':
      return `/users/${hit.id}`;
    case 'team':
      return `/teams/${hit.id}`;
    case 'key':
      return hit.user_id ? `/users/${hit.user_id}` : '/users';
    case 'decision':
      return `/explain/${hit.id}`;
    case 'request':
      return `/requests?open=${hit.id}`;
    case 'department':
      return `/?scope=department:${hit.id}`;
    case 'project':
      return `/requests?project=${hit.id}`;
  }
}
