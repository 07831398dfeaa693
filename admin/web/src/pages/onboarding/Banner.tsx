import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { api, may, useSession } from '@/api';
import classes from './Banner.module.css';

/** On Overview until everything is set up or put away: how far one is, and the way on. */
export function FirstSteps() {
  const session = useSession();
  const asks = !session.onboarded && may(session, 'getOnboarding');
  const steps = api.useQuery('get', '/v1/admin/onboarding', {}, { enabled: asks, staleTime: 60_000 });
  if (asks && steps.isPending) return <Room />;
  if (!steps.data || steps.data.done || steps.data.dismissed) return null;
  const done = steps.data.steps.filter((s) => s.done).length;
  const next = steps.data.steps.find((s) => !s.done);
  return (
    <section className={classes.banner} aria-label="First steps">
      <p>
        <strong>
          {done} of {steps.data.steps.length} first steps done.
        </strong>{' '}
        {next && `Next: ${next.title}.`}
      </p>
      <Button component={Link} to="/onboarding" size="xs" variant="light">
        Go on setting up
      </Button>
    </section>
  );
}

/** What the banner takes, until it is known what it says: the page below does not move. */
function Room() {
  return (
    <div className={classes.banner} aria-hidden>
      <p style={{ visibility: 'hidden' }}>
        <strong>0 of 6 first steps done.</strong> Next: Send a first request through Envoy.
      </p>
      <Button component="span" size="xs" variant="light" style={{ visibility: 'hidden' }}>
        Go on setting up
      </Button>
    </div>
  );
}
