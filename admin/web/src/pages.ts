import type { ComponentType } from 'react';
import type { Icon } from '@tabler/icons-react';
import type { Need } from './api/permission';

/** What a page says of itself in its own `pages/<name>/page.ts`. Adding that file is all that a page needs to be routed. */
export interface Page {
  /** Names the page in tests and screenshots. */
  name: string;
  /** Under /static; `$user` is a parameter. */
  path: string;
  /** The guide's word for it: sidebar and browser title. */
  title: string;
  need: Need;
  /** Where it stands in the sidebar; a page without a section is reached from another. */
  section?: 'main' | 'records' | 'own' | 'foot';
  order?: number;
  icon?: Icon;
  /** The path of the sidebar's entry that is lit while this page is open. */
  under?: string;
  /** Which of the shell's controls change what the page shows. */
  uses?: readonly ('scope' | 'period')[];
  /** Only in the development build. */
  dev?: boolean;
  /** For a path with parameters: where the browser tests find one, given what they have made. */
  sample?: (world: SampleWorld) => string;
  load: () => Promise<{ default: ComponentType }>;
}

/** What the browser tests made before they visit the pages. */
export interface SampleWorld {
  user: string;
  team: string;
  decision: string;
  request: string;
}

export function definePage(page: Page): Page {
  return page;
}

const found = {
  ...import.meta.glob<{ default: Page }>(['./pages/*/*page.ts', '!./pages/kit/*'], { eager: true }),
  // What only the development build has is not even a chunk of the other.
  ...(import.meta.env.DEV ? import.meta.glob<{ default: Page }>('./pages/kit/page.ts', { eager: true }) : {}),
};

/** Every page, in the order of the sidebar. A page's folder holds one `page.ts`, or several `<name>.page.ts`. */
export const pages: readonly Page[] = Object.values(found)
  .map((m) => m.default)
  .sort((a, b) => (a.order ?? 100) - (b.order ?? 100) || a.path.localeCompare(b.path));
