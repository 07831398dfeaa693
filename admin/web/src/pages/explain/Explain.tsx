import { Button, Skeleton } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconAlertTriangle, IconArrowRight, IconBan, IconCheck, IconClipboardText, IconClock, IconMail, IconMinus, IconX } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { api, useSession } from '@/api';
import { Card, Credits, ErrorState, Export, Id, LimitBar, PageHeader, Time, Tone } from '@/components';
import { absolute, duration } from '@/format';
import { askMail, forSupport, inWords, outcomeOf, passing, standing, type Check, type Decision } from './words';
import classes from './Explain.module.css';

/** Why one request was let through or refused: the checks in their order, what would have passed, and what to do. */
export default function Explain() {
  const { decision: id = '' } = useParams({ strict: false }) as { decision?: string };
  const session = useSession();
  const path = '/v1/decisions/{decision_id}';
  const decision = api.useQuery('get', path, { params: { path: { decision_id: id } } }, { retry: false });

  if (decision.isPending) return <Waiting />;
  if (decision.error) {
    return (
      <>
        <PageHeader title="Explain" badges={<Id value={id} what="decision id" />} />
        <Card>
          <ErrorState error={decision.error} what="this decision" retry={() => void decision.refetch()} retrying={decision.isFetching} />
          <p className={classes.hint}>
            A refusal can be read by the person it happened to and by those who administer the person, for as long as decisions are kept. A request without a valid key leaves no record.
          </p>
        </Card>
      </>
    );
  }
  const d = decision.data;
  const mine = d.user === session.user.id;
  return (
    <>
      <PageHeader
        title={d.allowed ? 'Why was this allowed?' : 'Why was this refused?'}
        badges={<Outcome decision={d} />}
        actions={<Export what={d.id} request={{ path: `/v1/decisions/${d.id}` }} rows={() => ({ head: ['check', 'outcome', 'limit', 'settled', 'held', 'left', 'detail'], rows: d.checks.map((c) => [c.title, c.outcome, c.limit, c.settled, c.held, c.left, c.detail]) })} />}
      />
      <div className={classes.facts}>
        <Time at={d.at} zone={d.tz} />
        <span>{mine ? 'you' : <Link to={`/users/${d.user}` as '/'}>{d.person.email}</Link>}</span>
        {d.model && <span className="mono">{d.model}</span>}
        <span>
          <Credits value={d.want} unit={d.unit} /> asked
          {d.need < d.want && (
            <>
              , at least <Credits value={d.need} /> needed
            </>
          )}
        </span>
        {d.key_prefix && <span className="mono">{d.key_prefix}…</span>}
        <span>
          priority {d.priority}
          {d.priority_lowered && ' (lowered to the highest that counts)'}
        </span>
        <Id value={d.id} what="decision id" />
      </div>
      <div className={classes.layout}>
        <div className={classes.main}>
          <Card title={d.title} about={inWords(d)} flush>
            {d.checks.length > 0 && (
              <ol className={classes.checks} aria-label="Checks in their order">
                {d.checks.map((c, i) => (
                  <CheckRow key={i} check={c} unit={d.unit} />
                ))}
              </ol>
            )}
            {!d.checks_known && <p className={classes.partial}>Only the check that decided is on record for this request.</p>}
          </Card>
        </div>
        <div className={classes.side}>
          {!d.allowed && (d.checks_known || d.passes.length > 0) && <Passes decision={d} />}
          {d.allowed && d.cost !== null && d.cost !== undefined && (
            <Card title="What did it cost?">
              <p className={classes.cost}>
                <Credits value={d.cost} unit={d.unit} />
              </p>
              <Link to={`/requests?open=${d.request_id}` as '/'}>Open the request</Link>
            </Card>
          )}
          <Next decision={d} mine={mine} />
        </div>
      </div>
    </>
  );
}

function Outcome({ decision: d }: { decision: Decision }) {
  return (
    <>
      <Tone tone={d.allowed ? 'ok' : 'bad'} icon={d.allowed ? IconCheck : IconBan}>
        {outcomeOf(d)}
      </Tone>
      {d.degraded && (
        <Tone tone="warn" icon={IconAlertTriangle}>
          without the live ledger: {d.degraded}
        </Tone>
      )}
      {d.code && <span className="mono soft">{d.code}</span>}
    </>
  );
}

const marks = {
  pass: { icon: IconCheck, word: 'passed' },
  fail: { icon: IconX, word: 'failed' },
  skipped: { icon: IconMinus, word: 'not reached' },
} as const;

function CheckRow({ check: c, unit }: { check: Check; unit: string }) {
  const { icon: Mark, word } = marks[c.outcome];
  const barred = c.limit !== null && c.settled !== null && c.limit > 0;
  return (
    <li className={classes.check} data-outcome={c.outcome}>
      <span className={classes.mark}>
        <Mark size={16} stroke={2.5} aria-hidden />
        <span className={classes.hidden}>{word}: </span>
      </span>
      <div className={classes.what}>
        <div className={classes.title}>{c.title}</div>
        <div className="soft">{standing(c)}</div>
        {barred && c.outcome !== 'skipped' && (
          <div className={classes.bar}>
            <LimitBar used={c.settled!} held={c.held ?? 0} limit={c.limit!} label={c.title} />
          </div>
        )}
      </div>
      {c.left !== null && c.rate === null && (
        <div className={classes.left}>
          <Credits value={Math.max(0, c.left)} /> <span className="soft">{unit} left</span>
        </div>
      )}
    </li>
  );
}

/** What would have passed. */
function Passes({ decision: d }: { decision: Decision }) {
  return (
    <Card title="What would pass?">
      {d.passes.length === 0 ? (
        <p className={classes.none}>Nothing that waiting or asking for less would change: the request itself has to be another.</p>
      ) : (
        <ul className={classes.passes}>
          {d.passes.map((p, i) => (
            <li key={i}>
              <IconArrowRight size={16} aria-hidden />
              <div>
                {passing(p, d.unit)}
                {p.at && <div className="soft">{absolute(p.at, d.tz)}</div>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** What to do, and whom to ask. */
function Next({ decision: d, mine }: { decision: Decision; mine: boolean }) {
  const clipboard = useClipboard({ timeout: 1500 });
  const whom = d.ask_whom[0];
  const resets = d.resets_at ? new Date(d.resets_at).getTime() - Date.now() : null;
  return (
    <Card title={d.allowed ? 'More' : 'What can be done?'}>
      {d.next_steps.length > 0 && (
        <ul className={classes.steps}>
          {d.next_steps.map((s, i) => (
            <li key={i}>{s.text}</li>
          ))}
        </ul>
      )}
      {!d.allowed && resets !== null && resets > 0 && (
        <p className={classes.reset}>
          <IconClock size={16} aria-hidden /> The window resets in {duration(resets)}.
        </p>
      )}
      {d.ask_whom.length > 0 && (
        <ul className={classes.people} aria-label="People who can give more">
          {d.ask_whom.map((p) => (
            <li key={p.email}>
              <a href={`mailto:${p.email}`}>{p.name}</a> <span className="soft">{p.why}</span>
            </li>
          ))}
        </ul>
      )}
      <div className={classes.actions}>
        {!d.allowed && whom && mine && (
          <Button component="a" href={askMail(d, whom, location.href)} leftSection={<IconMail size={16} aria-hidden />}>
            Ask {whom.name} for more
          </Button>
        )}
        <Button variant="default" component={Link} to={mine ? '/my-usage' : `/users/${d.user}`}>
          {mine ? 'See my usage' : 'See this person'}
        </Button>
        <Button variant="default" leftSection={<IconClipboardText size={16} aria-hidden />} onClick={() => clipboard.copy(forSupport(d, location.href))}>
          {clipboard.copied ? 'Copied' : 'Copy for support'}
        </Button>
      </div>
    </Card>
  );
}

function Waiting() {
  return (
    <>
      <PageHeader title="Explain" />
      <div className={classes.layout} aria-busy="true" aria-label="Loading the decision">
        <Skeleton height={320} radius={8} />
        <Skeleton height={220} radius={8} />
      </div>
    </>
  );
}
