import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, useSession, type components } from '@/api';
import { Credits, ErrorState, Id, Tone } from '@/components';
import { absolute, exact, millis, number } from '@/format';
import { Outcome } from './outcome';
import classes from './RequestDetail.module.css';

type Detail = components['schemas']['RequestDetail'];

const kinds = {
  input: 'Input',
  cached_input: 'Input from cache',
  cache_write: 'Written to cache',
  output: 'Output',
  reasoning: 'Reasoning',
  request: 'Request',
} as const;

/** One request opened: tokens and price, who paid, timing and headers. */
export function RequestDetail({ id, all }: { id: string; all: boolean }) {
  const params = { params: { path: { request_id: id } } };
  const theirs = api.useQuery('get', '/v1/admin/requests/{request_id}', params, { enabled: all, retry: false });
  const mine = api.useQuery('get', '/v1/users/me/requests/{request_id}', params, { enabled: !all, retry: false });
  const detail = all ? theirs : mine;
  if (detail.isPending) return <Skeleton height={480} radius={8} />;
  if (detail.error) return <ErrorState error={detail.error} what="this request" retry={() => void detail.refetch()} retrying={detail.isFetching} />;
  return <Opened detail={detail.data} />;
}

function Opened({ detail: d }: { detail: Detail }) {
  const { request: r, unit } = d;
  const zone = useSession().window.zone;
  return (
    <div className={classes.detail}>
      <div className={classes.head}>
        <div className={classes.cost}>
          <Credits value={r.cost} unit={unit} />
        </div>
        <div className={classes.tones}>
          <Outcome row={r} />
        </div>
        <p className="soft">
          <span className="mono">{r.model}</span> at {r.provider || 'an unknown provider'}, {r.stream ? 'streamed' : 'in one piece'}, by{' '}
          <Link to={`/users/${r.user.id}` as '/'}>{r.user.name || r.user.email || r.user.id}</Link> with key {r.key.name || r.key.id}
          {r.project ? `, for project ${r.project.name || r.project.id}` : ''}, priority {r.priority}.
        </p>
      </div>

      <Part title="What did it cost?" about={d.price && `Rate card ${d.price.card_version}, ${d.price.pattern}${since(d.price.effective_from, zone)}.`}>
        {d.lines.length === 0 ? (
          <p className="soft">Nothing was charged.</p>
        ) : (
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">Tokens</th>
                <th scope="col" className={classes.num}>Quantity</th>
                <th scope="col" className={classes.num}>Per million</th>
                <th scope="col" className={classes.num}>Credits</th>
              </tr>
            </thead>
            <tbody>
              {d.lines.map((l) => (
                <tr key={l.kind}>
                  <td>{kinds[l.kind]}</td>
                  <td className={classes.num}>{number(l.quantity)}</td>
                  <td className={classes.num}>{l.kind === 'request' ? `${exact(l.rate)} each` : number(l.rate)}</td>
                  <td className={classes.num}>{exact(l.credits)}</td>
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row" colSpan={3}>
                  Cost
                </th>
                <td className={classes.num}>{exact(r.cost)}</td>
              </tr>
            </tfoot>
          </table>
        )}
        {d.price && !d.price.exact && <p className="soft">The lines do not add up to the cost: the usage was not reported, and the cost is an estimate.</p>}
      </Part>

      <Part title="Who paid?">
        <dl className={classes.facts}>
          {d.legs.map((l) => (
            <Fact key={l.kind + l.subject} name={legName(l)}>
              <Credits value={l.amount} unit={unit} />
            </Fact>
          ))}
          {d.legs.length === 0 && <p className="soft">Nobody: nothing was charged.</p>}
        </dl>
        {d.charges.length > d.legs.length && (
          <details>
            <summary>Every counter that it was added to ({number(d.charges.length)})</summary>
            <dl className={classes.facts}>
              {d.charges.map((c) => (
                <Fact key={c.kind + c.subject} name={`${c.kind} ${c.name || c.subject}`}>
                  <Credits value={c.amount} />
                </Fact>
              ))}
            </dl>
          </details>
        )}
      </Part>

      <Part title="What was held?">
        <dl className={classes.facts}>
          <Fact name="Held while it ran">
            <Credits value={d.hold.held} unit={unit} />
          </Fact>
          <Fact name="Input taken for">{number(d.hold.input_bound)} tokens</Fact>
          <Fact name="Output allowed">
            {number(d.hold.output_limit)} tokens {d.hold.shrunk && <Tone tone="warn">shortened to fit</Tone>}
          </Fact>
        </dl>
      </Part>

      <Part title="When?">
        <dl className={classes.facts}>
          <Fact name="Started">{absolute(d.timing.started_at, zone)}</Fact>
          <Fact name="Decided after">{millis(d.timing.decided_millis)}</Fact>
          <Fact name="First byte after">{millis(d.timing.first_byte_millis)}</Fact>
          <Fact name="Ended after">{millis(d.timing.total_millis)}</Fact>
        </dl>
        {d.events.length > 1 && (
          <ul className={classes.events}>
            {d.events.map((e, i) => (
              <li key={i}>
                {absolute(e.at, zone)}: {e.kind}, <Credits value={e.cost} change unit={unit} />
              </li>
            ))}
          </ul>
        )}
      </Part>

      {d.headers.length > 0 && (
        <Part title="Headers that mattered">
          <dl className={classes.facts}>
            {d.headers.map((h) => (
              <Fact key={h.direction + h.name} name={<span className="mono">{h.name}</span>}>
                <span className="mono">{h.value}</span> <span className="soft">{h.direction}</span>
              </Fact>
            ))}
          </dl>
        </Part>
      )}

      <div className={classes.ids}>
        <Id value={r.request_id} what="request id" />
        <Link to={`/explain/${r.decision_id}` as '/'}>Why was it allowed?</Link>
      </div>
    </div>
  );
}

/** When a rate card came into force; the first one has always been. */
function since(at: string | null, zone: string): string {
  return at && new Date(at).getTime() > 0 ? `, in force since ${absolute(at, zone)}` : '';
}

function legName(l: { kind: string; name: string; subject: string }): string {
  switch (l.kind) {
    case 'personal':
      return 'Personal quota';
    case 'pool':
    case 'share':
      return `Pool of ${l.name || l.subject}`;
    case 'overdraft':
      return 'Overdraft';
    default:
      return `${l.kind} ${l.name || l.subject}`;
  }
}

function Part({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.part}>
      <h3>{title}</h3>
      {about && <p className="soft">{about}</p>}
      {children}
    </section>
  );
}

function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
