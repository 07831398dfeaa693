import type { components } from '@/api';
import { number } from '@/format';

export type Team = components['schemas']['Team'];
export type Shares = components['schemas']['TeamShares'];

/** What each active member may draw: whole credits, 0 when nobody is there. Open sharing has no shares: null. */
export function shareOf(t: Pick<Team, 'effective_pool' | 'active_count' | 'pool_sharing'>): number | null {
  if (t.pool_sharing === 'open') return null;
  return t.active_count > 0 ? Math.floor(t.effective_pool / t.active_count) : 0;
}

export function shareText(t: Parameters<typeof shareOf>[0]): string {
  const share = shareOf(t);
  return share === null ? 'first come' : number(share);
}

export const sortable = ['name', 'pool', 'used', 'free', 'share', 'members', 'efficiency'] as const;
export type SortField = (typeof sortable)[number];

/** A ratio to the median in words: "18 % below the median". */
export function againstMedian(ratio: number | null | undefined): string | null {
  if (ratio === null || ratio === undefined) return null;
  const percent = Math.round(Math.abs(ratio - 1) * 100);
  if (percent === 0) return 'as the median';
  return `${percent} % ${ratio < 1 ? 'below' : 'above'} the median`;
}
