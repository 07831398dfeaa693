import { Skeleton } from '@mantine/core';
import { Fragment } from 'react';
import classes from './Waiting.module.css';

/** What stands where a text or a figure of so many characters will: it breaks into lines as that would, and is no higher. */
export function WaitingText({ chars = 24 }: { chars?: number }) {
  // A block has no place in a paragraph or a heading. A letter takes less than the nought that ch measures.
  const inline = { component: 'span' } as object;
  const words = Math.max(1, Math.round(chars / 11));
  return (
    <span aria-busy="true">
      {Array.from({ length: words }, (_, i) => (
        <Fragment key={i}>
          {i > 0 && ' '}
          <span className={classes.word}>
            <Skeleton {...inline} className={classes.bar} height="0.72em" width={`${(0.84 * chars) / words}ch`} radius={4} />
          </span>
        </Fragment>
      ))}
    </span>
  );
}

/** The rows of a list before they are known, each as high as a row of it is. */
export function WaitingRows({ rows, label, height = 40 }: { rows: number; label: string; height?: number }) {
  return (
    <div className={classes.rows} aria-busy="true" aria-label={`Loading ${label.toLowerCase()}`}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className={classes.row} style={{ height }}>
          <Skeleton height={12} width={`${34 - (i % 3) * 6}%`} />
          <Skeleton height={12} width="14%" />
          <Skeleton height={12} width="10%" />
        </div>
      ))}
    </div>
  );
}

/** The fields of a form before it is known what is in them: a label, what is said of it, and the field. */
export function WaitingFields({ fields }: { fields: number }) {
  return Array.from({ length: fields }, (_, i) => (
    <div key={i} className={classes.field} aria-busy="true">
      <Skeleton height={13} width={`${34 + (i % 3) * 8}%`} mt={4} />
      <Skeleton height={11} width={`${76 - (i % 3) * 10}%`} mb={3} />
      <Skeleton height={36} />
    </div>
  ));
}
