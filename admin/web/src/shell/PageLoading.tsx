import { Skeleton } from '@mantine/core';
import classes from './PageLoading.module.css';

/** The shape of a page: a title, figures, a chart. */
export function PageLoading() {
  return (
    <div aria-busy="true" aria-label="Loading">
      <Skeleton height={28} width={220} mb={24} />
      <div className={classes.figures}>
        {[0, 1, 2, 3].map((i) => (
          <Skeleton key={i} height={104} />
        ))}
      </div>
      <Skeleton height={320} />
    </div>
  );
}
