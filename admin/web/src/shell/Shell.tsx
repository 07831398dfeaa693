import { ActionIcon, Drawer } from '@mantine/core';
import { useDisclosure, useHotkeys, useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { IconMenu2 } from '@tabler/icons-react';
import { useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, type ReactNode } from 'react';
import { Period } from './Period';
import { usePage } from './usePage';
import { Inbox } from './Inbox';
import { Scope } from './Scope';
import { Search } from './Search';
import classes from './Shell.module.css';
import { Sidebar } from './Sidebar';
import { UserMenu } from './UserMenu';

/** What stands around every page: sidebar, the controls of scope and period, search, and who is signed in. */
export function Shell({ children }: { children: ReactNode }) {
  const page = usePage();
  const [narrow, setNarrow] = useLocalStorage({ key: 'alfred-sidebar-narrow', defaultValue: false, getInitialValueInEffect: false });
  const [drawer, { open, close }] = useDisclosure(false);
  const phone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (s) => s.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    close();
    // A screen reader is told of the new page; the skip link and Tab go on from its beginning.
    main.current?.focus({ preventScroll: true });
  }, [path, close]);
  useHotkeys([['mod+B', () => setNarrow((n) => !n)]]);

  return (
    <div className={classes.shell} data-narrow={narrow || undefined}>
      <a className="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>
        Skip to the page
      </a>
      {phone ? (
        <Drawer opened={drawer} onClose={close} size={280} padding={0} withCloseButton={false} title="Menu" classNames={{ header: classes.hidden, body: classes.drawer }}>
          <Sidebar narrow={false} />
        </Drawer>
      ) : (
        <aside className={classes.side}>
          <div className={classes.sticky}>
            <Sidebar narrow={narrow} toggle={() => setNarrow(!narrow)} />
          </div>
        </aside>
      )}
      <div className={classes.body}>
        <section aria-label="Controls" className={classes.top}>
          {phone && (
            <ActionIcon size={36} onClick={open} aria-label="Open the menu" aria-expanded={drawer}>
              <IconMenu2 size={20} />
            </ActionIcon>
          )}
          {page?.uses?.includes('scope') && <Scope />}
          <div className={classes.gap} />
          {page?.uses?.includes('period') && <Period />}
          <Search />
          <Inbox />
          <UserMenu />
        </section>
        <main id="main" ref={main} tabIndex={-1} className={classes.main}>
          <div className={classes.page}>{children}</div>
        </main>
      </div>
    </div>
  );
}
