import { Button, Skeleton } from '@mantine/core';
import { IconArrowsExchange } from '@tabler/icons-react';
import { api } from '@/api';
import { Card, Credits, EmptyState, ErrorState, Export, Time, WaitingText } from '@/components';
import { number } from '@/format';
import classes from './MyUsage.module.css';

/** What I gave and received. */
export function Transfers({ zone, onTransfer }: { zone: string; onTransfer: () => void }) {
  const transfers = api.useQuery('get', '/v1/users/me/transfers');
  const t = transfers.data;
  const rows = t ? [...t.sent.map((x) => ({ ...x, sent: true })), ...t.received.map((x) => ({ ...x, sent: false }))].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at)) : [];
  return (
    <Card
      title="My transfers"
      about={transfers.isPending ? <WaitingText chars={28} /> : t && rows.length > 0 ? `${number(t.total_received)} received, ${number(t.total_sent)} given.` : undefined}
      actions={
        (transfers.isPending || rows.length > 0) && (
          <Export
            disabled={!t}
            what="my-transfers"
            request={{ path: '/v1/users/me/transfers' }}
            rows={() => ({ head: ['When', 'From', 'To', 'Credits', 'Reason'], rows: rows.map((r) => [r.created_at, r.sender_email, r.recipient_email, r.amount, r.reason]) })}
          />
        )
      }
    >
      {transfers.isPending ? (
        <Skeleton height={160} />
      ) : transfers.error ? (
        <ErrorState error={transfers.error} what="your transfers" retry={() => void transfers.refetch()} compact />
      ) : rows.length === 0 ? (
        <EmptyState
          compact
          icon={IconArrowsExchange}
          title="No transfers yet"
          action={
            <Button variant="light" size="xs" onClick={onTransfer}>
              Transfer credits
            </Button>
          }
        >
          What you give to colleagues and get from them counts until the window ends.
        </EmptyState>
      ) : (
        <ul className={classes.plain}>
          {rows.slice(0, 8).map((r) => (
            <li key={r.id + String(r.sent)} className={classes.item}>
              <div>
                <div>{r.sent ? `To ${r.recipient_email}` : `From ${r.sender_email}`}</div>
                <div className="soft">
                  <Time at={r.created_at} zone={zone} />
                  {r.reason && ` · ${r.reason}`}
                </div>
              </div>
              <div className={`${classes.amount} ${r.sent ? '' : classes.in}`}>
                <Credits value={r.sent ? -r.amount : r.amount} change />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
