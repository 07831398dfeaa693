import { Button, Skeleton, Stack } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client, ifMatch, may, Problem, useEdit, useSession, useTagged, type Tagged } from '@/api';
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
  const { base, form: f, setForm: setF, changed, busy, error, take, attempt } = useEdit(tagged, reload, fieldsOf);
  const [removing, setRemoving] = useState(false);
  const [testing, setTesting] = useState(false);
  const c = base.data;
  const path = { channel_id: c.id };
  const given = c.source === 'environment';
  const edits = may(session, 'updateChannel') && !given;
  const anew = () => Promise.all([queries.invalidateQueries({ queryKey: ['get', '/v1/admin/channels'] }), queries.invalidateQueries({ queryKey: ['get', '/v1/admin/deliveries'] })]);
  const save = () =>
    attempt(async () => {
      const body = {
        ...(changed.includes('name') && { name: f.name.trim() }),
        ...(changed.includes('address') && { address: f.address.trim() }),
        ...(changed.includes('from') && { from_percent: f.from }),
        ...(changed.includes('transfers') && { transfers: f.transfers }),
      };
      const { data, response } = await client.PATCH('/v1/admin/channels/{channel_id}', { params: { path, header: ifMatch(base) as never }, body });
      take({ data: data as Channel, etag: response.headers.get('ETag') });
      done(`${f.name.trim()} is changed.`);
      await anew();
    });
  const test = () =>
    attempt(async () => {
      setTesting(true);
      await client.POST('/v1/admin/channels/{channel_id}/test', { params: { path } });
      await anew();
    }).finally(() => setTesting(false));
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
            <Button size="xs" variant="default" leftSection={<IconSend size={15} aria-hidden />} loading={testing} onClick={() => void test()}>
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
              <Button type="submit" loading={busy && !testing} disabled={changed.length === 0 || !f.name.trim()} style={{ alignSelf: 'flex-end' }}>
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
