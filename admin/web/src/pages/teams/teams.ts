import { useQuery } from '@tanstack/react-query';
import { client, type components } from '@/api';
import { number } from '@/format';

export type Team = components['schemas']['Team'];
export type Shares = components['schemas']['TeamShares'];

const pageSize = 200;
const mostPages = 25;

/** All teams, so that searching and sorting them asks nobody. Past 5,000 the rest is left out and `more` says so. */
export function useTeams() {
  return useQuery({
    queryKey: ['get', '/v1/admin/teams', 'all'],
    queryFn: async ({ signal }): Promise<{ teams: Team[]; more: boolean }> => {
      const teams: Team[] = [];
      let cursor: string | undefined;
      for (let i = 0; i < mostPages; i++) {
        const { data } = await client.GET('/v1/admin/teams', { params: { query: { limit: pageSize, cursor } }, signal });
        teams.push(...data!.data);
        cursor = data!.next_cursor ?? undefined;
        if (!data!.has_more || !cursor) return { teams, more: false };
      }
      return { teams, more: true };
    },
  });
}

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

/** The figure or name that a column sorts by. What is not known comes last either way. */
export function sorted(teams: readonly Team[], field: SortField, descending: boolean, efficiency: ReadonlyMap<string, number | null>): Team[] {
  const of = (t: Team): number | string | null => {
    switch (field) {
      case 'name':
        return t.name;
      case 'pool':
        return t.effective_pool;
      case 'used':
        return t.effective_pool > 0 ? t.pool_used / t.effective_pool : null;
      case 'free':
        return t.pool_available;
      case 'share':
        return shareOf(t);
      case 'members':
        return t.member_count;
      case 'efficiency':
        return efficiency.get(t.id) ?? null;
    }
  };
  const way = descending ? -1 : 1;
  return [...teams].sort((a, b) => {
    const x = of(a);
    const y = of(b);
    if (x === null || y === null) return x === y ? a.name.localeCompare(b.name) : x === null ? 1 : -1;
    const by = typeof x === 'string' ? x.localeCompare(y as string) : x - (y as number);
    return by !== 0 ? by * way : a.name.localeCompare(b.name);
  });
}

/** A ratio to the median in words: "18 % below the median". */
export function againstMedian(ratio: number | null | undefined): string | null {
  if (ratio === null || ratio === undefined) return null;
  const percent = Math.round(Math.abs(ratio - 1) * 100);
  if (percent === 0) return 'as the median';
  return `${percent} % ${ratio < 1 ? 'below' : 'above'} the median`;
}
