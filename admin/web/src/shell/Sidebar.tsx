import { ActionIcon, Tooltip, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand, IconMoon, IconSun } from '@tabler/icons-react';
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { allows } from '../api/permission';
import { useSession } from '../api/session';
import { pages, type Page } from '../pages';
import { Mark } from './Mark';
import { usePage } from './usePage';
import classes from './Sidebar.module.css';

const sections = [
  { id: 'main', label: null },
  { id: 'records', label: 'Records' },
  { id: 'own', label: 'You' },
] as const;

/** The pages that this person may see, in the guide's words, and the dark mode toggle. */
export function Sidebar({ narrow, toggle }: { narrow: boolean; toggle?: () => void }) {
  const session = useSession();
  const current = usePage();
  const lit = current?.under ?? current?.path;
  const shown = pages.filter((p) => p.section && allows(session, p.need));
  const entries = (section: string) => shown.filter((p) => p.section === section);
  const links = (list: Page[]) => list.map((p) => <Entry key={p.path} page={p} lit={p.path === lit} narrow={narrow} />);
  return (
    <div className={classes.sidebar} data-narrow={narrow || undefined}>
      <div className={classes.head}>
        <Link to="/" className={classes.brand}>
          <Mark />
          {narrow ? (
            <VisuallyHidden>Alfred</VisuallyHidden>
          ) : (
            <span className={classes.names}>
              <strong>Alfred</strong>
              <span className="truncate soft">{session.organisation.name}</span>
            </span>
          )}
        </Link>
        {toggle && !narrow && (
          <ActionIcon onClick={toggle} aria-label="Make the sidebar narrow" aria-keyshortcuts="Control+B Meta+B">
            <IconLayoutSidebarLeftCollapse size={18} />
          </ActionIcon>
        )}
      </div>
      <nav aria-label="Pages" className={classes.nav}>
        {sections.map(({ id, label }) =>
          entries(id).length === 0 ? null : (
            <div key={id} className={classes.section}>
              {label && !narrow && <div className={classes.label}>{label}</div>}
              {label && narrow && <hr className={classes.rule} />}
              {links(entries(id))}
            </div>
          ),
        )}
        <div className={classes.foot}>
          {links(entries('foot'))}
          <DarkMode narrow={narrow} />
          {toggle && narrow && (
            <Hint text="Widen the sidebar" narrow>
              <UnstyledButton className={classes.entry} onClick={toggle} aria-label="Widen the sidebar">
                <IconLayoutSidebarLeftExpand size={18} stroke={1.75} />
              </UnstyledButton>
            </Hint>
          )}
        </div>
      </nav>
    </div>
  );
}

function Entry({ page, lit, narrow }: { page: Page; lit: boolean; narrow: boolean }) {
  const Icon = page.icon;
  return (
    <Hint text={page.title} narrow={narrow}>
      <Link to={page.path as '/'} className={classes.entry} data-lit={lit || undefined} aria-current={lit ? 'page' : undefined} aria-label={narrow ? page.title : undefined}>
        {Icon && <Icon size={18} stroke={1.75} aria-hidden />}
        {!narrow && <span className="truncate">{page.title}</span>}
      </Link>
    </Hint>
  );
}

/** Stored, and followed from the system until somebody chooses. */
function DarkMode({ narrow }: { narrow: boolean }) {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark';
  return (
    <Hint text="Dark mode" narrow={narrow}>
      <UnstyledButton role="switch" aria-checked={dark} aria-label="Dark mode" className={classes.entry} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} stroke={1.75} aria-hidden /> : <IconMoon size={18} stroke={1.75} aria-hidden />}
        {!narrow && <span>Dark mode</span>}
        {!narrow && <span className={classes.switch} data-on={dark || undefined} aria-hidden />}
      </UnstyledButton>
    </Hint>
  );
}

function Hint({ text, narrow, children }: { text: string; narrow: boolean; children: ReactNode }) {
  return narrow ? (
    <Tooltip label={text} position="right" openDelay={80}>
      {children as React.JSX.Element}
    </Tooltip>
  ) : (
    <>{children}</>
  );
}
