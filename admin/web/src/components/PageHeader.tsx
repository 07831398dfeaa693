import { IconArrowLeft } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import classes from './PageHeader.module.css';

interface Props {
  title: ReactNode;
  /** Beside the title: status, window, freshness. */
  badges?: ReactNode;
  /** What the page is for, in a sentence. */
  about?: ReactNode;
  /** The primary action, and before it what is secondary. */
  actions?: ReactNode;
  /** The way back, above the title. */
  back?: ReactNode;
}

/** The way back to the list that a page belongs to. */
export function Back({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to as '/'} className={classes.to}>
      <IconArrowLeft size={14} aria-hidden /> {children}
    </Link>
  );
}

/** The first line of every page. */
export function PageHeader({ title, badges, about, actions, back }: Props) {
  return (
    <div className={classes.header}>
      {back && <div className={classes.back}>{back}</div>}
      <div className={classes.line}>
        <h1>{title}</h1>
        {badges && <div className={classes.badges}>{badges}</div>}
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      {about && <p className={classes.about}>{about}</p>}
    </div>
  );
}
