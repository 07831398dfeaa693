import { Alert, Button } from '@mantine/core';
import { IconBell, IconPlus } from '@tabler/icons-react';
import { api, may, useSession } from '@/api';
import { Card, DataTable, EmptyState, Export, SideDrawer, Time, Tone, useOpen, type Column } from '@/components';
import classes from '../Settings.module.css';
import { ChannelDetail } from './ChannelDetail';
import { NewChannel } from './NewChannel';
import { channelStates, hears, type Channel } from './words';

/** Where the organisation is told of things, and whether that arrives. */
export function Channels() {
  const session = useSession();
  const [open, setOpen] = useOpen();
  const channels = api.useQuery('get', '/v1/admin/channels', {}, { refetchInterval: 15_000 });
  const zone = session.organisation.zone;
  const columns: Column<Channel>[] = [
    {
      id: 'name',
      title: 'Name',
      cell: (c) => (
        <button type="button" className={classes.open} onClick={() => setOpen(c.id)}>
          {c.name}
        </button>
      ),
    },
    { id: 'address', title: 'Address', from: 'desktop', cell: (c) => <span className="mono">{c.address}</span> },
    { id: 'hears', title: 'Is told of', from: 'tablet', cell: (c) => hears(c) },
    { id: 'last', title: 'Last message', from: 'tablet', cell: (c) => <Time at={c.last_delivery?.ended_at ?? null} zone={zone} /> },
    {
      id: 'state',
      title: 'State',
      cell: (c) => {
        const s = channelStates[c.state];
        return (
          <Tone tone={s.tone} icon={s.icon}>
            {s.text}
          </Tone>
        );
      },
    },
  ];
  const add = may(session, 'createChannel') && (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setOpen('new')}>
      Add channel
    </Button>
  );
  const opened = open && open !== 'new' && channels.data?.data.some((c) => c.id === open) ? open : null;
  return (
    <Card
      flush
      title="Where alerts go"
      about="Who answers for a budget finds its alerts in the inbox, at the top of every page. Channels are told too."
      actions={
        <>
          {add}
          <Export
            what="channels"
            request={{ path: '/v1/admin/channels' }}
            rows={() => ({ head: ['id', 'name', 'kind', 'address', 'from_percent', 'transfers', 'state', 'last_message'], rows: (channels.data?.data ?? []).map((c) => [c.id, c.name, c.kind, c.address, c.from_percent, c.transfers, c.state, c.last_delivery?.ended_at ?? null]) })}
          />
        </>
      }
    >
      {channels.data?.sending === false && (
        <div className={classes.filters}>
          <Alert color="yellow" variant="light" title="Nothing is sent">
            NOTIFICATIONS_ENABLED is false. Messages are written down and not sent later. Set it to true for alfred-admin and start it again.
          </Alert>
        </div>
      )}
      <DataTable
        label="Channels"
        columns={columns}
        rows={channels.data?.data}
        idOf={(c) => c.id}
        loading={channels.isFetching}
        error={channels.error}
        retry={() => void channels.refetch()}
        onOpen={(c) => setOpen(c.id)}
        opened={open}
        minRows={1}
        empty={
          <EmptyState compact icon={IconBell} title="No channel yet" action={add}>
            Make an incoming webhook in Slack, enter its address here, and a test message tells whether it works. Whatever takes Slack’s messages will do.
          </EmptyState>
        }
      />
      <NewChannel opened={open === 'new'} onClose={() => setOpen(null)} onMade={(id) => setOpen(id)} />
      <SideDrawer opened={opened !== null} onClose={() => setOpen(null)} title="Channel" size={520}>
        {opened && <ChannelDetail key={opened} id={opened} onGone={() => setOpen(null)} />}
      </SideDrawer>
    </Card>
  );
}
