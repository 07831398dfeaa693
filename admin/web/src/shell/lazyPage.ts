import { createElement, use, type ComponentType, type ReactElement } from 'react';
import { Problem } from '../api/problem';

/** A page's code did not come. `again` asks for it once more; only after that is there any use in rendering the page anew. */
export class PageMissing extends Error {
  constructor(
    /** Why: nothing answers, or this version of the page is not on the server any more. */
    override readonly cause: Problem | null,
    readonly again: () => Promise<void>,
  ) {
    super(cause ? cause.message : 'Alfred was updated while this page was open. Load it anew to go on.');
    this.name = 'PageMissing';
  }
}

type Load = () => Promise<{ default: ComponentType }>;

/**
 * A page in a chunk of its own. A chunk that the server does not have belongs to a version that was replaced: the app loads itself
 * anew, once. Without a network it does not, since the browser would then show its own page in the place of the app.
 */
export function lazyPage(load: Load, reload: () => void = () => location.reload()): (() => ReactElement) & { preload: () => Promise<void> } {
  let page: ComponentType | null = null;
  let loading: Promise<void> | null = null;
  let missing: PageMissing | null = null;

  const fetched = async () => {
    page = (await load()).default;
    missing = null;
  };
  const wanted = async () => {
    try {
      await fetched();
    } catch (error) {
      const answers = await reachable();
      const name = `alfred-reload:${String(error)}`;
      if (answers && !sessionStorage.getItem(name)) {
        sessionStorage.setItem(name, '1');
        reload();
        await new Promise(() => undefined); // until the new document is there
      }
      missing = new PageMissing(answers ? null : Problem.unreachable(), async () => {
        // A browser may keep the failure of a chunk; then only a new document asks for it again.
        await fetched().catch(async () => {
          if (await reachable()) reload();
        });
      });
    } finally {
      loading = null;
    }
  };
  const shown = () => {
    if (missing) throw missing;
    if (!page) use((loading ??= wanted()));
    if (missing) throw missing;
    return createElement(page!);
  };
  // What is fetched before it is asked for may fail: the page asks again when it is opened.
  return Object.assign(shown, { preload: () => fetched().catch(() => undefined) });
}

/** Whether the server answers at all. */
async function reachable(): Promise<boolean> {
  try {
    return (await fetch(location.pathname, { method: 'HEAD', cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}
