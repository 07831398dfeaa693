import { IconPointFilled } from '@tabler/icons-react';
import { relative, type Instant } from '../format';
import classes from './Freshness.module.css';
import { useNow } from './Value';

/** How old the figures are: "live · as of 3 s ago". */
export function Freshness({ at, live }: { at: Instant; live?: boolean }) {
  const now = useNow(1000);
  // Keeps its place while nothing is known yet, so that nothing moves when it is.
  if (!at) return <span className={classes.fresh} data-waiting={live === undefined ? 'short' : 'long'} aria-hidden />;
  return (
    <span className={classes.fresh} data-live={live || undefined}>
      {live && <IconPointFilled size={14} aria-hidden />}
      {live ? 'live · ' : ''}as of {relative(at, now)}
    </span>
  );
}
