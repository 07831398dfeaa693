import { Button, Skeleton } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed, IconCircleX, IconPlugConnected, IconServerOff, IconUrgent, type Icon } from '@tabler/icons-react';
import { api, type components } from '@/api';
import { Card, EmptyState, ErrorState, Export, Freshness, PageHeader, Time, Tone, WaitingText } from '@/components';
import { count, millis, number } from '@/format';
import { Models } from './Models';
import classes from './Providers.module.css';

type Provider = components['schemas']['ProviderList']['data'][number];

const healths: Record<Provider['health'], { tone: 'ok' | 'warn' | 'bad' | 'plain'; icon: Icon; text: string }> = {
  healthy: { tone: 'ok', icon: IconCircleCheck, text: 'healthy' },
  degraded: { tone: 'warn', icon: IconUrgent, text: 'degraded' },
  failing: { tone: 'bad', icon: IconCircleX, text: 'failing' },
  unknown: { tone: 'plain', icon: IconCircleDashed, text: 'no traffic' },
};

/** Who answers the requests, how they do, and what each model costs. */
export default function Providers() {
  const providers = api.useQuery('get', '/v1/admin/providers', {}, { refetchInterval: 30_000 });
  return (
    <>
      <PageHeader
        title="Providers and models"
        badges={<Freshness at={providers.data?.as_of ?? null} />}
        about="Health is what the last hour's requests say. Providers are configured beside Envoy; here you see them and test them."
        actions={
          <Export
            what="providers"
            request={{ path: '/v1/admin/providers' }}
            rows={() => ({ head: ['provider', 'health', 'requests', 'errors', 'median ms'], rows: (providers.data?.data ?? []).map((p) => [p.name, p.health, p.requests, p.errors, p.median_millis]) })}
          />
        }
      />
      {providers.isPending ? (
        <div className={classes.cards} aria-busy="true" aria-label="Loading providers">
          <WaitingCard />
        </div>
      ) : providers.error ? (
        <Card>
          <ErrorState error={providers.error} what="the providers" retry={() => void providers.refetch()} retrying={providers.isFetching} />
        </Card>
      ) : providers.data.data.length === 0 ? (
        <Card>
          <EmptyState icon={IconServerOff} title="No provider yet">
            Set OPENAI_API_KEY or ANTHROPIC_API_KEY for alfred-extproc, and name the provider in Envoy.
          </EmptyState>
        </Card>
      ) : (
        <div className={classes.cards}>
          {providers.data.data.map((p) => (
            <ProviderCard key={p.id} provider={p} />
          ))}
        </div>
      )}
      <Models />
    </>
  );
}

/** A provider's card before it is known whose. There is one at least. */
function WaitingCard() {
  return (
    <Card title={<WaitingText chars={14} />} about={<WaitingText chars={26} />}>
      <dl className={classes.facts}>
        {['Requests, last hour', 'Errors', 'Median time', 'Last answer'].map((term) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              <WaitingText chars={6} />
            </dd>
          </div>
        ))}
      </dl>
      <p className="soft">
        <WaitingText chars={40} />
      </p>
      <div className={classes.test}>
        <Skeleton height={30} width={160} />
      </div>
    </Card>
  );
}

function ProviderCard({ provider: p }: { provider: Provider }) {
  const test = api.useMutation('post', '/v1/admin/providers/{provider_id}/test');
  const h = healths[p.health];
  return (
    <Card
      title={p.name}
      about={p.address || (p.configured ? undefined : 'seen in requests, not configured here')}
      actions={
        <Tone tone={h.tone} icon={h.icon}>
          {h.text}
        </Tone>
      }
    >
      <dl className={classes.facts}>
        <div>
          <dt>Requests, last hour</dt>
          <dd>{number(p.requests)}</dd>
        </div>
        <div>
          <dt>Errors</dt>
          <dd>
            {number(p.errors)}
            {p.error_percent !== null && p.requests > 0 && <span className="soft"> {number(p.error_percent)} %</span>}
          </dd>
        </div>
        <div>
          <dt>Median time</dt>
          <dd>{millis(p.median_millis)}</dd>
        </div>
        <div>
          <dt>Last answer</dt>
          <dd>
            <Time at={p.last_success_at} />
          </dd>
        </div>
      </dl>
      {p.models.length > 0 && (
        <p className="soft">
          {count(p.models.length, 'model', 'models')} used in 30 days: {p.models.slice(0, 4).join(', ')}
          {p.models.length > 4 && ` and ${p.models.length - 4} more`}
        </p>
      )}
      <div className={classes.test}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlugConnected size={16} aria-hidden />}
          loading={test.isPending}
          onClick={() => test.mutate({ params: { path: { provider_id: p.id } } })}
        >
          Test {p.name}
        </Button>
        <div aria-live="polite" className={classes.result}>
          {test.data && (
            <>
              <Tone tone={test.data.ok ? 'ok' : 'bad'} icon={test.data.ok ? IconCircleCheck : IconCircleX}>
                {test.data.ok ? `answers, ${millis(test.data.millis)}` : 'does not answer'}
              </Tone>
              <span className="soft">{test.data.detail}</span>
            </>
          )}
          {test.error && <ErrorState error={test.error} what="the test" compact />}
        </div>
      </div>
    </Card>
  );
}
