import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';

/** Reads anew whatever tells of people: the directory, one of them, and what they may use. */
export function usePeopleAgain(): () => void {
  const queries = useQueryClient();
  return useCallback(() => {
    void queries.invalidateQueries({
      predicate: ({ queryKey: [first, second] }) => first === 'person' || (typeof second === 'string' && (second.startsWith('/v1/admin/users') || second.startsWith('/v1/admin/teams') || second.startsWith('/v1/admin/audit'))),
    });
  }, [queries]);
}
