import { useCallback, useMemo } from 'react';
import { api } from '@/api';
import type { Person } from './filters';

/** The teams to choose from. */
export function useTeams(enabled = true) {
  return api.useQuery('get', '/v1/admin/teams', { params: { query: { limit: 200 } } }, { enabled, staleTime: 60_000 });
}

/** What a team of somebody is called; its id while that is not known. */
export function useTeamName(): (m: Person['teams'][number]) => string {
  const teams = useTeams();
  const names = useMemo(() => new Map(teams.data?.data.map((t) => [t.id, t.name])), [teams.data]);
  return useCallback((m) => m.name ?? names.get(m.team_id) ?? m.team_id, [names]);
}
