import { Button, Skeleton, Stack } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, client, ifMatch, may, Problem, useSession, useTagged, type Tagged } from '@/api';
import { Confirm, ErrorState, Refused, Time, Tone, done } from '@/components';
import classes from '../Settings.module.css';
import { ChannelFields, type Fields } from './ChannelFields';
import { Messages } from './Messages';
import { channelStates, hears, type Channel } from './words';

/** One channel: whether it works, a test, what it is told of, and what was sent there. */
export function ChannelDetail({ id, onGone }: { id: string; onGone: () => void }) {
  const read = useTagged<Channel>(['get', '/v1/admin/channels', 'one', id], (signal) => client.GET('/v1/admin/channels/{channel_id}', { params: { path: { channel_id: id } }, signal }));
  if (read.error && !read.data) return <ErrorState error={read.error} what="this channel" retry={() => void read.refetch()} retrying={read.isFetching} compact />;
  if (!read.data) {
    return (
      <Stack gap="md" aria-busy="true" aria-label="Loading the channel">
        <Skeleton height={56} />
        <Skeleton height={56} />
        <Skeleton height={120} />
      </Stack>
    );
  }
  return <Loaded tagged={read.data} reload={async () => (await read.refetch()).data} onGone={onGone} />;
}

const fieldsOf = (c: Channel): Fields => ({ name: c.name, address: '', from: c.from_percent, transfers: c.transfers });

function Loaded({ tagged, reload, onGone }: { tagged: Tagged<Channel>; reload: () => Promise<Tagged<Channel> | undefined>; onGone: () => void }) {
  const session = useSession();
  const queries = useQueryClient();
  const [base, setBase] = useState(tagged);
  const [f, setF] = useState(() => fieldsOf(tagged.data));
  const [busy, setBusy] = useState<'save' | 'test' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [removing, setRemoving] = useState(false);
  const c = base.data;
  const was = fieldsOf(c);
  const changed = (Object.keys(f) as (keyof Fields)[]).filter((k) => f[k] !== was[k]);
  useEffect(() => {
    if (changed.length > 0 || tagged === base) return;
    setBase(tagged);
    setF(fieldsOf(tagged.data));
    // eslint-disable-next-line -- follows what was read only while nothing is typed
  }, [tagged]);
  const path = { channel_id: c.id };
  const given = c.source === 'environment';
  const edits = may(session, 'updateChannel') && !given;
  const anew = () => Promise.all([queries.invalidateQueries({ queryKey: ['get', '/v1/admin/channels'] }), queries.invalidateQueries({ queryKey: ['get', '/v1/admin/deliveries'] })]);
  const attempt = async (what: 'save' | 'test', act: () => Promise<void>) => {
    setBusy(what);
    setError(null);
    try {
      await act();
    } catch (e) {
      if (e instanceof Problem && e.conflicts) {
        const now = await reload();
        if (now) {
          const typed = Object.fromEntries(changed.map((k) => [k, f[k]]));
          setBase(now);
          setF({ ...fieldsOf(now.data), ...typed });
        }
      }
      setError(e);
    } finally {
      setBusy(null);
    }
  };
  const save = () =>
    attempt('save', async () => {
      const body = {
        ...(changed.includes('name') && { name: f.name.trim() }),
        ...(changed.includes('address') && { address: f.address.trim() }),
        ...(changed.includes('from') && { from_percent: f.from }),
        ...(changed.includes('transfers') && { transfers: f.transfers }),
      };
      const { data, response } = await client.PATCH('/v1/admin/channels/{channel_id}', { params: { path, header: ifMatch(base) as never }, body });
      const fresh = { data: data as Channel, etag: response.headers.get('ETag') };
      setBase(fresh);
      setF(fieldsOf(fresh.data));
      done(`${fresh.data.name} is changed.`);
      await anew();
    });
  const test = () =>
    attempt('test', async () => {
      await client.POST('/v1/admin/channels/{channel_id}/test', { params: { path } });
      await anew();
    });
  // What it came to changes while one looks; what one edits does not.
  const live = api.useQuery('get', '/v1/admin/channels', {}, { refetchInterval: 5_000 });
  const now = live.data?.data.find((x) => x.id === c.id) ?? tagged.data;
  const state = channelStates[now.state];
  const last = now.last_delivery;
  return (
    <Stack gap="lg">
      <div>
        <div className={classes.facts}>
          <Tone tone={state.tone} icon={state.icon}>
            {state.text}
          </Tone>
          <span className="mono">{c.address}</span>
          <span>is told of {hears(c)}</span>
        </div>
        <div className={classes.head} style={{ marginTop: 12 }}>
          <span className="soft" aria-live="polite" style={{ minWidth: 0, flex: '1 1 220px' }}>
            {last ? (
              <>
                {last.state === 'delivered' ? 'The last message arrived' : 'The last message did not arrive'} <Time at={last.ended_at} zone={session.organisation.zone} />. {last.detail}
              </>
            ) : (
              'Nothing was sent yet.'
            )}
          </span>
          {may(session, 'testChannel') && (
            <Button size="xs" variant="default" leftSection={<IconSend size={15} aria-hidden />} loading={busy === 'test'} onClick={() => void test()}>
              Send a test
            </Button>
          )}
        </div>
      </div>
      {given ? (
        <p className="soft" style={{ margin: 0 }}>
          This channel is SLACK_WEBHOOK_URL in the environment of alfred-admin, and is changed there. It is told of what reaches 90 %, and of transfers.
        </p>
      ) : (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            if (changed.length > 0 && f.name.trim()) void save();
          }}
        >
          <Stack gap="md">
            <ChannelFields
              fields={f}
              set={setF}
              standing={c.address}
              disabled={!edits}
              faults={{ name: !f.name.trim() ? 'A name is needed.' : error instanceof Problem && error.param === 'name' ? error.message : undefined, address: error instanceof Problem && error.param === 'address' ? error.message : undefined }}
            />
            {error !== null && !(error instanceof Problem && ['name', 'address'].includes(error.param ?? '')) && <Refused error={error} />}
            {edits && (
              <Button type="submit" loading={busy === 'save'} disabled={changed.length === 0 || !f.name.trim()} style={{ alignSelf: 'flex-end' }}>
                Save channel
              </Button>
            )}
          </Stack>
        </form>
      )}
      {given && error !== null && <Refused error={error} />}
      <Messages channel={c.id} />
      {edits && (
        <div className={classes.end}>
          <Button variant="light" color="red" onClick={() => setRemoving(true)}>
            Remove channel
          </Button>
        </div>
      )}
      <Confirm
        opened={removing}
        onClose={() => setRemoving(false)}
        title={`Remove ${c.name}?`}
        consequences="Nothing is sent there any more, and what was on its way is not either. Its messages are forgotten here. People keep what is in their inbox."
        verb="Remove channel"
        danger
        onConfirm={async () => {
          await client.DELETE('/v1/admin/channels/{channel_id}', { params: { path, header: ifMatch(base) as never } });
          done(`${c.name} is removed.`);
          onGone();
          // All but itself, which is not there to be read again.
          void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/channels'], predicate: (q) => q.queryKey[2] !== 'one' });
        }}
      />
    </Stack>
  );
}
