import { client, useTagged, type components } from '@/api';

export function personKey(id: string) {
  return ['person', id] as const;
}

/** One person with the ETag that a change of it names. */
export function usePerson(id: string) {
  return useTagged<components['schemas']['User']>(personKey(id), (signal) => client.GET('/v1/admin/users/{user_id}', { params: { path: { user_id: id } }, signal }));
}
