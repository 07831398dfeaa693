import { ActionIcon, Button, Popover, VisuallyHidden } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client';
import type { components } from '../api/schema.gen';
import { useSession } from '../api/session';
import { ErrorState } from '../components/ErrorState';
import { Time } from '../components/Value';
import classes from './Inbox.module.css';
import { failed } from './toast';

type Item = components['schemas']['InboxItem'];

const path = '/v1/users/me/inbox';
const most = 99;

/** Where what happened is looked at. */
function page(i: Item, me: string): string {
  if (i.kind === 'channel_failing') return `/settings?part=alerts&open=${i.ref}`;
  if (i.kind !== 'budget_threshold' || i.ref === me) return '/my-usage';
  return i.ref.startsWith('team_') ? `/teams/${i.ref}` : '/settings?part=alerts';
}

/** What Alfred has to tell this person: credits that came, budgets that run out. */
export function Inbox() {
  const session = useSession();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const unread = api.useQuery('get', path, { params: { query: { unread: true, limit: most + 1 } } }, { refetchInterval: 60_000 });
  const items = api.useQuery('get', path, { params: { query: { limit: 30 } } }, { enabled: open });
  const read = api.useMutation('post', '/v1/users/me/inbox/read');
  const n = unread.data?.data.length ?? 0;
  const shown = n > most ? `${most}+` : String(n);
  const markRead = () => read.mutate({}, { onSuccess: () => void queries.invalidateQueries({ queryKey: ['get', path] }), onError: (e) => failed('They stay unread', e) });
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width="min(400px, calc(100vw - 24px))" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <ActionIcon size={36} onClick={() => setOpen((o) => !o)} className={classes.bell}>
          <IconBell size={18} aria-hidden />
          {n > 0 && (
            <span className={classes.count} aria-hidden>
              {shown}
            </span>
          )}
          <VisuallyHidden>{n > 0 ? `Inbox, ${shown} unread` : 'Inbox'}</VisuallyHidden>
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Inbox">
        <div className={classes.head}>
          <strong>Inbox</strong>
          <Button size="compact-xs" variant="subtle" disabled={n === 0} loading={read.isPending} onClick={markRead}>
            Mark all as read
          </Button>
        </div>
        {items.error && !items.data ? (
          <ErrorState error={items.error} what="the inbox" retry={() => void items.refetch()} retrying={items.isFetching} compact />
        ) : !items.data ? (
          <p className={classes.none} aria-busy="true">
            Looking
          </p>
        ) : items.data.data.length === 0 ? (
          <p className={classes.none}>Nothing yet. Credits that you are given and budgets that run out are told here.</p>
        ) : (
          <ol className={classes.items}>
            {items.data.data.map((i) => (
              <li key={i.id} data-unread={!i.read_at || undefined}>
                <Link to={page(i, session.user.id) as '/'} onClick={() => setOpen(false)}>
                  {!i.read_at && <VisuallyHidden>Unread: </VisuallyHidden>}
                  {i.title}
                </Link>
                <p>{i.body}</p>
                <span className="soft">
                  <Time at={i.created_at} zone={session.window.zone} />
                </span>
              </li>
            ))}
          </ol>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
