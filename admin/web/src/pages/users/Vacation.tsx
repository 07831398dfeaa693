import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, useSession } from '@/api';
import { Refused, done } from '@/components';
import { date } from '@/format';
import { usePeopleAgain } from './again';
import { endOfDay } from './day';
import type { Person } from './filters';
import { teamName } from './teams';

/** Sends somebody on vacation, until a day or until it is ended by hand. */
export function VacationDialog({ person, opened, onClose }: { person: Person; opened: boolean; onClose: () => void }) {
  const session = useSession();
  const again = usePeopleAgain();
  const update = api.useMutation('patch', '/v1/admin/users/{user_id}');
  const [until, setUntil] = useState('');
  const { zone } = session.window;
  const close = () => {
    update.reset();
    setUntil('');
    onClose();
  };
  const end = until ? endOfDay(until, zone) : null;
  return (
    <Modal opened={opened} onClose={close} title={`Send ${person.name} on vacation?`} size={480} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          update.mutate(
            { params: { path: { user_id: person.id } }, body: { status: 'on_vacation', vacation_until: end } },
            {
              onSuccess: () => {
                again();
                done(`${person.name} is on vacation${end ? ` until ${date(end, zone)}` : ''}.`);
                close();
              },
            },
          );
        }}
      >
        <Stack gap="md">
          <div>
            Credits that {person.name} has not used go to {person.teams[0] ? `the pool of ${teamName(person.teams[0])}` : 'the pool of the primary team'}, up to the organisation's percentage of that pool. What the team has not used by the return is given back. Keys go on working with what was
            kept.
          </div>
          <TextInput type="date" label="Last day away" description={`Ends by itself after this day in ${zone}. Empty: until somebody ends it.`} value={until} onChange={(e) => setUntil(e.currentTarget.value)} data-autofocus />
          {update.error !== null && <Refused error={update.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} disabled={update.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={update.isPending}>
              Set vacation
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
