import { Button, Skeleton } from '@mantine/core';
import { useThrottledCallback } from '@mantine/hooks';
import { IconCheck, IconConfetti } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, client, may, useSession, useStream, type components } from '@/api';
import { Card, CopyButton, EmptyState, ErrorState, Export, Freshness, PageHeader, Time, Tone, WaitingText, done, failed } from '@/components';
import { Demo } from '../settings/Demo';
import classes from './Onboarding.module.css';

type Step = components['schemas']['OnboardingStep'];

/** What leads to a step, by its id. A step that the server does not name has no feature behind it and is not shown. */
const ways: Partial<Record<Step['id'], { to: string; verb: string }>> = {
  organization: { to: '/settings', verb: 'Open Settings' },
  provider: { to: '/providers', verb: 'Open providers' },
  people: { to: '/users', verb: 'Add people' },
  team: { to: '/teams?add=true', verb: 'Add a team' },
  policy: { to: '/settings?part=limits&open=new&mode=shadow', verb: 'Set a limit' },
  alerts: { to: '/settings?part=alerts', verb: 'Add a channel' },
};

/** The way from nothing to a first request, each step checked as it happens. */
export default function Onboarding() {
  const session = useSession();
  const queries = useQueryClient();
  const [seen, setSeen] = useState<string | null>(null);
  const steps = api.useQuery('get', '/v1/admin/onboarding', {}, { refetchInterval: 15_000 });
  const anew = useThrottledCallback(() => void steps.refetch(), 1500);
  const stream = useStream('/v1/admin/stream', {
    first_request: (data) => {
      const first = data as components['schemas']['FirstRequest'] | null;
      setSeen(first ? `First request seen: ${first.model} of ${first.provider}.` : 'First request seen.');
      anew();
    },
    directory: anew,
    usage: anew,
    reset: anew,
  });
  const o = steps.data;
  const left = o?.steps.filter((s) => !s.done).length ?? 0;
  const next = o?.steps.find((s) => !s.done)?.id;
  const put = async (dismissed: boolean) => {
    try {
      await client.PUT('/v1/admin/onboarding', { body: { dismissed } });
      done(dismissed ? 'The first steps are put away. They stay here.' : 'The first steps are back.', { undo: () => put(!dismissed) });
      void steps.refetch();
      void queries.invalidateQueries({ queryKey: ['session'] });
    } catch (e) {
      failed('The first steps stay as they are', e);
    }
  };
  return (
    <>
      <PageHeader
        title="First steps"
        badges={
          <>
            {o ? (
              <Tone tone={left === 0 ? 'ok' : 'plain'} icon={left === 0 ? IconCheck : undefined}>
                {o.steps.length - left} of {o.steps.length} done
              </Tone>
            ) : (
              !steps.error && <Skeleton height={22} width={98} radius={11} />
            )}
            <Freshness at={steps.dataUpdatedAt} live={stream.live} />
          </>
        }
        about="From nothing to a first request. Each step is checked by itself, as it happens."
        actions={
          !(steps.error && !o) && (
            <>
              {may(session, 'putOnboarding') && (
                <Button variant="default" disabled={!o} onClick={() => void put(!o?.dismissed)}>
                  {o?.dismissed ? 'Bring the steps back' : 'Put the steps away'}
                </Button>
              )}
              <Export what="first-steps" disabled={!o} request={{ path: '/v1/admin/onboarding' }} rows={() => ({ head: ['step', 'title', 'done', 'detail', 'at', 'checked_at'], rows: (o?.steps ?? []).map((s) => [s.id, s.title, s.done, s.detail, s.at, s.checked_at]) })} />
            </>
          )
        }
      />
      <div className={classes.stack}>
        {steps.error && !o ? (
          <Card>
            <ErrorState error={steps.error} what="the first steps" retry={() => void steps.refetch()} retrying={steps.isFetching} />
          </Card>
        ) : !o ? (
          <div className={classes.steps} aria-busy="true" aria-label="Loading the first steps">
            {[58, 34, 15, 23, 28, 41].map((chars) => (
              <div key={chars} className={classes.step}>
                <span className={classes.mark} />
                <div>
                  <h2>
                    <WaitingText chars={chars} />
                  </h2>
                  <p className={classes.detail}>
                    <WaitingText chars={Math.round(chars * 0.8)} />
                  </p>
                </div>
              </div>
            ))}
            {session.onboarded && <Skeleton height={226} radius={8} mt={4} />}
          </div>
        ) : (
          <>
            <ol className={classes.steps} aria-label="First steps">
              {o.steps.map((s, i) => (
                <li key={s.id} className={classes.step} data-done={s.done || undefined} data-next={s.id === next || undefined} aria-current={s.id === next ? 'step' : undefined}>
                  <span className={classes.mark}>{s.done ? <IconCheck size={16} aria-label="done" /> : i + 1}</span>
                  <div>
                    <h2>{s.title}</h2>
                    <p className={classes.detail} aria-live="polite">
                      {s.id === 'first_request' && seen && !s.done ? seen : s.detail}
                      {s.at && (
                        <>
                          , <Time at={s.at} zone={session.window.zone} />
                        </>
                      )}
                    </p>
                    {s.id === 'first_request' && !s.done && <FirstRequest live={stream.live} />}
                  </div>
                  {!s.done && ways[s.id] && (
                    <Button size="xs" variant={s.id === next ? 'filled' : 'default'} renderRoot={(p) => <a href={`/static${ways[s.id]!.to}`} {...p} />}>
                      {ways[s.id]!.verb}
                    </Button>
                  )}
                </li>
              ))}
            </ol>
            {o.done && (
              <Card>
                <EmptyState compact icon={IconConfetti} title="Everything is set up" action={<Button variant="light" size="xs" renderRoot={(p) => <Link to={'/' as '/'} {...p} />}>Open the overview</Button>}>
                  Requests are metered, people have quotas, and a pool stands behind them.
                </EmptyState>
              </Card>
            )}
          </>
        )}
        <Demo />
      </div>
    </>
  );
}

function FirstRequest({ live }: { live: boolean }) {
  const session = useSession();
  const command = [
    `curl '${session.baseUrl}/chat/completions' \\`,
    `  -H "Authorization: Bearer $ALFRED_API_KEY" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'`,
  ].join('\n');
  return (
    <div className={classes.more}>
      Any SDK works with <span className="mono">{session.baseUrl}</span> as its base URL and a key that starts with <span className="mono">{session.key.prefix.slice(0, 3)}</span>.
      <div className={classes.box}>
        <pre className={`mono ${classes.snippet}`} tabIndex={0} aria-label="A first request with curl">
          {command}
        </pre>
        <span className={classes.copy}>
          <CopyButton value={command} what="command" />
        </span>
      </div>
      <span className={classes.waiting} role="status">
        <i aria-hidden /> {live ? 'Listening for the first request' : 'Looking every 15 seconds'}
      </span>
    </div>
  );
}
