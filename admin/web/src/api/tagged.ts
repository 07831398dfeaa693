import { useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';

/** A record with the ETag that a change of it must name. */
export interface Tagged<T> {
  data: T;
  etag: string | null;
}

/** Reads a record for editing: `useTagged(['user', id], (signal) => client.GET('/v1/admin/users/{user_id}', {…, signal}))`. */
export function useTagged<T>(key: QueryKey, read: (signal: AbortSignal) => Promise<{ data?: T; response: Response }>) {
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Tagged<T>> => {
      const { data, response } = await read(signal);
      return { data: data as T, etag: response.headers.get('ETag') };
    },
  });
}

/** The headers of a change to what was read: somebody else's change in between is a 412 and nothing is lost. */
export function ifMatch(tagged: Tagged<unknown> | undefined): { 'If-Match'?: string } {
  return tagged?.etag ? { 'If-Match': tagged.etag } : {};
}

/** After a 412: reads the record anew, and gives what it is now for showing beside what the person typed. */
export function useReload(key: QueryKey) {
  const queries = useQueryClient();
  return () => queries.refetchQueries({ queryKey: key, exact: true });
}
