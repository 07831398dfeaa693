import { categoryColour } from '../theme/categories';

/** One line, area or stack of a chart. */
export interface Series {
  key: string;
  name: string;
  colour: string;
}

/** Gives each name its colour by its place; at most six and "other". */
export function seriesOf(names: { key: string; name: string; other?: boolean }[]): Series[] {
  let index = 0;
  return names.map(({ key, name, other }) => ({ key, name, colour: other ? categoryColour(0, 'other') : categoryColour(index++) }));
}

/** A row of a chart along time: the instant and a value for each series' key. */
export type TimeRow = { t: number } & Record<string, number | null>;
