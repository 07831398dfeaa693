import { lazy } from 'react';

// Charts are a chunk of their own: a page without one never loads them.
export const Lines = lazy(() => import('./Lines'));
export const BurnUp = lazy(() => import('./BurnUp'));
export const StackedAreas = lazy(() => import('./StackedAreas'));
export const Bars = lazy(() => import('./Bars'));
export type { BurnPoint } from './BurnUp';
export { seriesOf, type Series, type TimeRow } from './series';
