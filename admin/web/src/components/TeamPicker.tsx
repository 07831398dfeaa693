import { api } from '../api/client';
import { Picker, type PickerProps } from './Picker';

export interface TeamRef {
  id: string;
  name: string;
}

/** Finds a team by a part of its name. */
export function TeamPicker(props: PickerProps<TeamRef>) {
  return <Picker placeholder="Name of a team" {...props} useFound={useFound} nameOf={(t) => t.name} clear="Choose no team" nothing="No team matches" />;
}

function useFound(q: string | undefined) {
  const teams = api.useQuery('get', '/v1/admin/teams', { params: { query: { q, limit: 20 } } }, { placeholderData: (before) => before, staleTime: 30_000 });
  return { ...teams, data: teams.data?.data.map(({ id, name }) => ({ id, name })) };
}
