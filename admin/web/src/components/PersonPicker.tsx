import { api } from '../api/client';
import { Picker, type PickerProps } from './Picker';

export interface Person {
  id: string;
  name: string;
  email: string;
}

/** Finds a person by a part of a name or an address. */
export function PersonPicker(props: PickerProps<Person>) {
  return <Picker placeholder="Name or address" {...props} useFound={useFound} nameOf={(p) => p.name || p.email} detailOf={(p) => p.email} clear="Choose nobody" nothing="Nobody matches" />;
}

function useFound(q: string | undefined) {
  const people = api.useQuery('get', '/v1/admin/users', { params: { query: { q, limit: 20, sort: 'name' } } }, { placeholderData: (before) => before, staleTime: 30_000 });
  return { ...people, data: people.data?.data.map(({ id, name, email }) => ({ id, name, email })) };
}
