import { Button, Skeleton } from '@mantine/core';
import { useDisclosure, useThrottledCallback } from '@mantine/hooks';
import { IconArrowsExchange } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { api, may, useSession, useStream } from '@/api';
import { Credits, ErrorState, Figure, Figures, Freshness, LimitBar, PageHeader, SourceBadge, Tone, WaitingText, WindowBadge } from '@/components';
import { clock, date, duration, number } from '@/format';
import { BurnDown } from './BurnDown';
import { Keys } from './Keys';
import { Models } from './Models';
import classes from './MyUsage.module.css';
import { paysNext, whatToDo } from './pays';
import { Refusals } from './Refusals';
import { Requests } from './Requests';
import { Transfer } from './Transfer';
import { Transfers } from './Transfers';
import { Vacation } from './Vacation';
import { WhyThisLimit } from './WhyThisLimit';

/** What is mine: the four numbers of the guide, what pays next, and everything that I may change myself. */
export default function MyUsage() {
  const session = useSession();
  const queries = useQueryClient();
  const [transfer, { open, close }] = useDisclosure(false);
  const quota = api.useQuery('get', '/v1/users/me/quota', {}, { refetchInterval: 30_000 });
  const me = api.useQuery('get', '/v1/users/me');
  const anew = useThrottledCallback(() => {
    void queries.invalidateQueries({ predicate: (q) => typeof q.queryKey[1] === 'string' && q.queryKey[1].startsWith('/v1/users/me') });
  }, 3000);
  const stream = useStream('/v1/users/me/stream', { usage: anew, denial: anew, inbox: anew, reset: anew });

  const q = quota.data;
  const header = (
    <PageHeader
      title="My usage"
      badges={
        <>
          <WindowBadge window={session.window} />
          <Freshness at={quota.dataUpdatedAt} live={stream.live} />
        </>
      }
      actions={
        may(session, 'transferCredits') && (
          <Button leftSection={<IconArrowsExchange size={16} />} onClick={open}>
            Transfer credits
          </Button>
        )
      }
    />
  );
  if (quota.error && !q) {
    return (
      <>
        {header}
        <ErrorState error={quota.error} what="your quota" retry={() => void quota.refetch()} retrying={quota.isFetching} />
      </>
    );
  }
  const payer = q ? paysNext(q) : null;
  const advice = q ? whatToDo(q) : null;
  const unit = q?.unit ?? session.organisation.unit;
  return (
    <>
      {header}
      <div className={classes.stack}>
        <Figures>
          <Figure label="Personal quota" loading={!q} value={<Credits value={q?.personal_quota} />} of={unit} hint="personal_quota: what was set for you or inherited, with what you gave and received in this window." note={q && <SourceBadge source={q.source} />} />
          <Figure label="Used" loading={!q} value={<Credits value={q?.used_tokens} />} of={unit} hint="used_tokens: what your own quota has paid in this window." note={q && q.held > 0 ? `${number(q.held)} more held by running requests` : 'nothing is held'}>
            <LimitBar used={q?.used_tokens} held={q?.held} limit={q?.personal_quota} label="My personal quota" unit={unit} />
          </Figure>
          <Figure label="Available" loading={!q} value={<Credits value={q?.available_quota} />} of={unit} hint="available_quota: personal quota less what is used and held." tone={q && q.available_quota <= 0 ? 'bad' : undefined} note={q && (q.available_quota <= 0 ? 'used up' : 'yours until the reset')} />
          <Figure label="Team pool available" loading={!q} value={<Credits value={q?.team_pool_available} />} of={unit} hint="team_pool_available: what the pools of your teams would still carry for you, once your own quota is used up." note={q && (q.team_pool_available > 0 ? 'your share, after your own' : 'no pool carries you')} />
        </Figures>
        <section className={classes.next} aria-label="What pays next" data-tone={payer?.tone}>
          <div>
            <span className="soft">What pays next</span>
            <strong>
              {payer ? payer.who : <WaitingText chars={15} />} {payer && payer.tone !== 'ok' && <Tone tone={payer.tone}>{payer.tone === 'bad' ? 'blocked' : 'running low'}</Tone>}
            </strong>
            <span>{payer ? `${payer.why} ${advice ?? ''}` : <WaitingText chars={40} />}</span>
          </div>
          <div className={classes.reset}>
            <span className="soft">Resets</span>
            <strong>{q ? `in ${duration(Date.parse(q.resets_at) - Date.now())}` : <WaitingText chars={8} />}</strong>
            <span className="num">{q ? `${date(q.resets_at, q.tz)}, ${clock(q.resets_at, q.tz).slice(0, 5)} (${q.tz})` : <WaitingText chars={24} />}</span>
          </div>
        </section>
        <div className={classes.wide}>
          <BurnDown />
          <WhyThisLimit />
        </div>
        <Requests />
        <div className={classes.halves}>
          <Models />
          <Refusals />
        </div>
        <div className={classes.halves}>
          <Transfers zone={session.window.zone} onTransfer={open} />
          <div className={classes.column}>
            <Keys />
            {me.data ? <Vacation me={me.data} /> : !me.error && <Skeleton height={124} radius={8} />}
          </div>
        </div>
      </div>
      <Transfer opened={transfer} onClose={close} available={q?.available_quota} unit={unit} />
    </>
  );
}
