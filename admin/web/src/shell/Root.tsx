import { Navigate, Outlet } from '@tanstack/react-router';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { onSessionEnded, sessionQuery } from '../api/session';
import { allows } from '../api/permission';
import { ErrorState } from '../components/ErrorState';
import { SignIn } from './SignIn';
import { NoPermission } from './NoPermission';
import { Shell } from './Shell';
import { usePage } from './usePage';
import classes from './Root.module.css';

/** Shows the sign-in page in the place of every other one until somebody is signed in, so that they come back to where they were. */
export function Root() {
  const queries = useQueryClient();
  const session = useQuery(sessionQuery);
  const [ended, setEnded] = useState(false);
  const page = usePage();

  useEffect(
    () =>
      onSessionEnded(() => {
        if (queries.getQueryData(sessionQuery.queryKey)) setEnded(true);
        queries.setQueryData(sessionQuery.queryKey, null);
      }),
    [queries],
  );
  useEffect(() => {
    if (session.data) setEnded(false);
  }, [session.data]);
  const title = session.data === null ? 'Sign in' : page?.title;
  useEffect(() => {
    document.title = title && title !== 'Alfred' ? `${title} – Alfred` : 'Alfred';
  }, [title]);

  if (session.isPending) return <div className={classes.blank} aria-busy="true" />;
  if (session.isError && !session.data) {
    return (
      <main className={classes.alone}>
        <ErrorState error={session.error} retry={() => void session.refetch()} retrying={session.isFetching} what="Alfred" />
      </main>
    );
  }
  if (!session.data) return <SignIn ended={ended} />;
  if (page && !allows(session.data, page.need)) {
    if (page.path === '/') return <Navigate to="/my-usage" replace />;
    return (
      <Shell>
        <NoPermission page={page} />
      </Shell>
    );
  }
  return (
    <Shell>
      <Outlet />
    </Shell>
  );
}

