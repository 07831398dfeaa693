import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './states.module.css';

interface Props {
  icon?: Icon;
  /** What is not there: "No transfers yet", "Nobody matches these filters". */
  title: string;
  /** Why, and what happens when it changes. */
  children?: ReactNode;
  /** The one thing to do about it. */
  action?: ReactNode;
  compact?: boolean;
}

/** Says that there is nothing, why, and what to do. "Never any" and "none that match" are different titles. */
export function EmptyState({ icon: Glyph, title, children, action, compact }: Props) {
  return (
    <div className={classes.state} data-compact={compact || undefined}>
      {Glyph && (
        <span className={classes.icon}>
          <Glyph size={22} stroke={1.5} aria-hidden />
        </span>
      )}
      <div className={classes.title}>{title}</div>
      {children && <div className={classes.text}>{children}</div>}
      {action}
    </div>
  );
}
