import { ActionIcon, Button, Group, Menu, Modal, Stack, TextInput } from '@mantine/core';
import { IconBookmark, IconCheck, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, may, newKey, Problem, useSession } from '@/api';
import { Refused, done, failed } from '@/components';
import { parseSearch } from '@/url/state';
import { viewOf } from './filters';

/** What most come for; there before anybody has saved one. */
const ready = [
  { name: 'Everybody', query: '' },
  { name: 'Close to their limit', query: 'sort=-used_percent&used=80' },
  { name: 'Who uses most', query: 'sort=-used' },
  { name: 'Not seen for 30 days', query: 'sort=last_seen&unseen=30' },
  { name: 'On vacation', query: 'status=on_vacation' },
  { name: 'Suspended', query: 'status=suspended' },
  { name: 'Admins', query: 'role=admin' },
];

/** Filters and order under a name, of one's own, to come back to. */
export function Views() {
  const session = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const search = useLocation().searchStr;
  const views = api.useQuery('get', '/v1/users/me/views', { params: { query: { page: 'users' } } }, { staleTime: 60_000, retry: false });
  const remove = api.useMutation('delete', '/v1/users/me/views/{view_id}');
  const [saving, setSaving] = useState(false);
  const mine = views.data?.data ?? [];
  const now = viewOf(search);
  const on = [...mine, ...ready].find((v) => viewOf(v.query) === now);
  const missing = views.error instanceof Problem && views.error.notBuilt;
  const go = (query: string) => void navigate({ to: '.', search: parseSearch(query) as never });
  const anew = () => void queries.invalidateQueries({ queryKey: ['get', '/v1/users/me/views'] });
  return (
    <>
      <Menu position="bottom-end" width={260} transitionProps={{ duration: 120 }}>
        <Menu.Target>
          <Button variant="default" size="xs" h={32} leftSection={<IconBookmark size={15} aria-hidden />}>
            {on && now !== '' ? on.name : 'Views'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
          {ready.map((v) => (
            <Menu.Item key={v.name} onClick={() => go(v.query)} rightSection={viewOf(v.query) === now ? <IconCheck size={14} aria-label="shown" /> : null}>
              {v.name}
            </Menu.Item>
          ))}
          {mine.length > 0 && <Menu.Label>Mine</Menu.Label>}
          {mine.map((v) => (
            <Group key={v.id} gap={0} wrap="nowrap">
              <Menu.Item onClick={() => go(v.query)} rightSection={viewOf(v.query) === now ? <IconCheck size={14} aria-label="shown" /> : null} style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
                {v.name}
              </Menu.Item>
              <ActionIcon
                size={28}
                aria-label={`Delete the view ${v.name}`}
                onClick={() =>
                  remove.mutate(
                    { params: { path: { view_id: v.id } } },
                    { onSuccess: () => { anew(); done(`The view “${v.name}” is deleted.`); }, onError: (e) => failed(`The view “${v.name}” was not deleted`, e) },
                  )
                }
              >
                <IconTrash size={15} />
              </ActionIcon>
            </Group>
          ))}
          {!missing && may(session, 'putMyView') && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconPlus size={15} />} disabled={now === '' || Boolean(on)} onClick={() => setSaving(true)}>
                {now === '' ? 'Filter or sort to save a view' : on ? 'This view is saved' : 'Save this view'}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <Save opened={saving} query={now} onClose={() => setSaving(false)} onSaved={anew} />
    </>
  );
}

function Save({ opened, query, onClose, onSaved }: { opened: boolean; query: string; onClose: () => void; onSaved: () => void }) {
  const put = api.useMutation('put', '/v1/users/me/views/{view_id}');
  const [name, setName] = useState('');
  const close = () => {
    put.reset();
    setName('');
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="Save this view" size={420} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (!name.trim()) return;
          put.mutate(
            { params: { path: { view_id: newKey() } }, body: { page: 'users', name: name.trim(), query } },
            { onSuccess: () => { onSaved(); done(`The view “${name.trim()}” is saved.`); close(); } },
          );
        }}
      >
        <Stack gap="md">
          <TextInput label="Name" description="Only you see it. It keeps the filters and the order, not who matches today." required maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
          {put.error !== null && <Refused error={put.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={put.isPending} disabled={!name.trim()}>
              Save view
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
