import { queryOptions, useMutation, useQueryClient, useSuspenseQuery, type QueryClient } from '@tanstack/react-query';
import { client, sessionEnded } from './client';
import type { Window } from '../format';
import { Problem } from './problem';
import type { components } from './schema.gen';

/** Who is signed in and what every page needs to know about the place. */
export interface Session {
  user: { id: string; name: string; email: string };
  role: 'owner' | 'admin' | 'member';
  /** The operations that this person may call at all. */
  permissions: ReadonlySet<string>;
  teamsAdministered: string[];
  organisation: { name: string; zone: string; unit: string };
  window: Window;
  key: { prefix: string; name: string };
  /** What an SDK takes as its base URL. */
  baseUrl: string;
  onboarded: boolean;
  demo: boolean;
}

export function sessionOf(body: components['schemas']['Session']): Session {
  const { organization: o, user } = body;
  return {
    user: { id: user.id, name: user.name, email: user.email },
    role: user.access_role,
    permissions: new Set(body.permissions),
    teamsAdministered: body.teams_admin.map((t) => t.id),
    organisation: { name: o.name, zone: o.zone, unit: o.unit },
    window: { start: o.window.start, end: o.window.kind === 'lifetime' ? null : o.window.end, zone: o.window.tz },
    key: { prefix: body.key.prefix, name: body.key.name },
    baseUrl: body.base_url,
    onboarded: body.flags.onboarding_done,
    demo: body.flags.demo_data,
  };
}

/** The session, or null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      const { data } = await client.GET('/v1/auth/session', { signal });
      return sessionOf(data!);
    } catch (e) {
      if (e instanceof Problem && (e.status === 401 || e.status === 403)) return null;
      throw e;
    }
  },
  staleTime: 60_000,
});

/** Who is signed in. Only below the shell, which is not shown to anybody else. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new Error('useSession is for pages inside the shell');
  return data;
}

/** Drops everything that somebody else was shown. The session itself is watched, so it is set and not dropped. */
function forget(queries: QueryClient): void {
  queries.removeQueries({ predicate: (q) => q.queryKey[0] !== sessionQuery.queryKey[0] });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (key: string) => sessionOf((await client.POST('/v1/auth/session', { body: { api_key: key } })).data!),
    onSuccess: (session) => {
      forget(queries);
      queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (everywhere: boolean) => {
      await (everywhere ? client.DELETE('/v1/auth/sessions') : client.DELETE('/v1/auth/session'));
    },
    onSuccess: () => {
      forget(queries);
      queries.setQueryData(sessionQuery.queryKey, null);
    },
  });
}

/** Calls back when the server says that the session is over. */
export function onSessionEnded(act: () => void): () => void {
  sessionEnded.addEventListener('ended', act);
  return () => sessionEnded.removeEventListener('ended', act);
}
