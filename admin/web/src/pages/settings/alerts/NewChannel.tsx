import { Button, Modal, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client, Problem, useAttempt } from '@/api';
import { Refused, done, failed } from '@/components';
import { ChannelFields, type Fields } from './ChannelFields';

const empty: Fields = { name: '', address: '', from: 90, transfers: false };

/** Adds a channel and sends it a test, whose result stands in what opens then. */
export function NewChannel({ opened, onClose, onMade }: { opened: boolean; onClose: () => void; onMade: (id: string) => void }) {
  const queries = useQueryClient();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/channels');
  const [f, setF] = useState(empty);
  const [tried, setTried] = useState(false);
  const [testing, setTesting] = useState(false);
  const problem = create.error instanceof Problem ? create.error : null;
  const faultOf = (field: 'name' | 'address', missing: string) => (tried && !f[field].trim() ? missing : problem?.param === field ? problem.message : undefined);
  const close = () => {
    create.reset();
    attempt.done();
    setF(empty);
    setTried(false);
    onClose();
  };
  const submit = async () => {
    setTried(true);
    if (!f.name.trim() || !f.address.trim()) return;
    let id: string;
    try {
      id = (await create.mutateAsync({ params: { header: attempt.headers() }, body: { name: f.name.trim(), address: f.address.trim(), from_percent: f.from, transfers: f.transfers } })).id;
    } catch {
      return; // shown in the form, which keeps what was typed
    }
    setTesting(true);
    try {
      const { data } = await client.POST('/v1/admin/channels/{channel_id}/test', { params: { path: { channel_id: id } } });
      if (data?.state === 'delivered') done(`${f.name.trim()} is added, and the test has arrived.`);
    } catch (e) {
      failed('The channel is added, and was not tested', e);
    }
    setTesting(false);
    await queries.invalidateQueries({ queryKey: ['get', '/v1/admin/channels'] });
    close();
    onMade(id);
  };
  return (
    <Modal opened={opened} onClose={close} title="Add a channel" size={480} closeOnClickOutside={false} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <Stack gap="md">
          <ChannelFields
            fields={f}
            set={(next) => {
              if (create.error) create.reset();
              setF(next);
            }}
            faults={{ name: faultOf('name', 'A name is needed.'), address: faultOf('address', 'An address is needed.') }}
          />
          {create.error !== null && !['name', 'address'].includes(problem?.param ?? '') && <Refused error={create.error} />}
          <Button type="submit" loading={create.isPending || testing} style={{ alignSelf: 'flex-end' }}>
            Add and send a test
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
