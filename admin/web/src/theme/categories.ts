/** The colours of categories, distinct for colour-blind eyes and in the same order on every page. */
export const categories = ['var(--a-cat-1)', 'var(--a-cat-2)', 'var(--a-cat-3)', 'var(--a-cat-4)', 'var(--a-cat-5)', 'var(--a-cat-6)'] as const;

export const otherColour = 'var(--a-cat-other)';

/** The colour of the n-th category; "other" is grey, wherever it stands. */
export function categoryColour(index: number, name?: string): string {
  return name === 'other' ? otherColour : (categories[index] ?? otherColour);
}
