import type { ReactNode } from 'react';
import classes from './Card.module.css';

/** A part of a page with a heading. `flush` lets a table reach the edges; `fill` lets what is inside grow with the card. */
export function Card({ title, about, actions, flush, fill, children }: { title?: ReactNode; about?: ReactNode; actions?: ReactNode; flush?: boolean; fill?: boolean; children: ReactNode }) {
  return (
    <section className={classes.card} data-flush={flush || undefined} data-fill={fill || undefined}>
      {(title || actions) && (
        <div className={classes.head}>
          <div>
            {title && <h2>{title}</h2>}
            {about && <p>{about}</p>}
          </div>
          {actions && <div className={classes.actions}>{actions}</div>}
        </div>
      )}
      <div className={classes.body}>{children}</div>
    </section>
  );
}
