import { List, Stack } from '@mantine/core';
import { useCallback } from 'react';
import { api, client, useSession } from '@/api';
import { Confirm, Credits, done, failed } from '@/components';
import { usePeopleAgain } from './again';
import type { Person, Status } from './filters';
import { teamName } from './teams';

interface Props {
  person: Person;
  opened: boolean;
  onClose: () => void;
}

const told: Record<Status, string> = {
  active: 'is active. Requests are let through again.',
  on_vacation: 'is on vacation.',
  suspended: 'is suspended. Requests in flight will finish; new ones are refused.',
};

/** Sets a person's status, says what came of it and offers the way back. */
export function useStatus(): (person: Person, to: Status) => Promise<void> {
  const again = usePeopleAgain();
  return useCallback(
    async (person, to) => {
      const set = (status: Status) => client.PATCH('/v1/admin/users/{user_id}', { params: { path: { user_id: person.id } }, body: { status } });
      try {
        await set(to);
        done(`${person.name} ${told[to]}`, {
          undo: async () => {
            try {
              await set(person.status);
              done(`Undone: ${person.name} is as before.`);
            } catch (e) {
              failed(`The status of ${person.name} could not be set back`, e);
            }
            again();
          },
        });
      } catch (e) {
        failed(`The status of ${person.name} was not changed`, e);
      }
      again();
    },
    [again],
  );
}

/** Says what suspending does before it is done. */
export function SuspendUser({ person, opened, onClose }: Props) {
  const again = usePeopleAgain();
  const update = api.useMutation('patch', '/v1/admin/users/{user_id}');
  const set = (status: Status) => update.mutateAsync({ params: { path: { user_id: person.id } }, body: { status } });
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={`Suspend ${person.name}?`}
      consequences={
        <List size="sm" spacing={4}>
          <List.Item>New requests of {person.email} are refused within a second, and so is signing in.</List.Item>
          <List.Item>Requests in flight finish and are charged.</List.Item>
          <List.Item>Keys, quota and teams stay as they are, for when the person is reactivated.</List.Item>
        </List>
      }
      verb="Suspend user"
      danger
      onConfirm={async () => {
        await set('suspended');
        again();
        done(`${person.name} ${told.suspended}`, {
          undo: () =>
            set(person.status).then(
              () => again(),
              (e: unknown) => failed(`${person.name} is still suspended`, e),
            ),
        });
      }}
    />
  );
}

/** Gives or takes the right to administer. Only owners may. */
export function AdminPrivilege({ person, opened, onClose }: Props) {
  const again = usePeopleAgain();
  const session = useSession();
  const update = api.useMutation('patch', '/v1/admin/users/{user_id}');
  const give = person.access_role !== 'admin';
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={give ? `Give ${person.name} admin privilege?` : `Take ${person.name}'s admin privilege?`}
      consequences={
        give
          ? `${person.email} may then see and change all people, teams, quotas and pools of ${session.organisation.name}, and make keys. Only owners give roles, so ${person.name} cannot make others admin.`
          : `${person.email} then sees only what is theirs. Teams that ${person.name} administers stay so.`
      }
      verb={give ? 'Give admin privilege' : 'Remove admin privilege'}
      danger={!give}
      onConfirm={async () => {
        await update.mutateAsync({ params: { path: { user_id: person.id } }, body: { access_role: give ? 'admin' : 'member' } });
        again();
        done(give ? `${person.name} is admin now.` : `${person.name} is not admin any more.`);
      }}
    />
  );
}

/** Says what deleting takes away for ever, and what stays. */
export function RemoveUser({ person, opened, onClose, onDeleted }: Props & { onDeleted?: () => void }) {
  const again = usePeopleAgain();
  const remove = api.useMutation('delete', '/v1/admin/users/{user_id}');
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={`Delete ${person.name}?`}
      consequences={
        <Stack gap="sm">
          <List size="sm" spacing={4}>
            <List.Item>All keys of {person.email} stop working within a second, and cannot be brought back.</List.Item>
            <List.Item>
              <Credits value={Math.max(person.effective_quota - (person.used_tokens ?? 0), 0)} /> credits of quota that are left in this window are gone with the person.
            </List.Item>
            {person.teams.length > 0 && <List.Item>Membership ends in {person.teams.map(teamName).join(', ')}; the pool is shared by the others.</List.Item>}
            <List.Item>Requests in flight finish and are charged. What was used stays in reports and in the audit log.</List.Item>
          </List>
          <div>To keep somebody out for a while, suspend instead: that can be undone.</div>
        </Stack>
      }
      acknowledge="I understand that this cannot be undone"
      verb="Delete user"
      danger
      onConfirm={async () => {
        await remove.mutateAsync({ params: { path: { user_id: person.id } } });
        done(`${person.name} is deleted.`);
        onDeleted?.();
        again();
      }}
    />
  );
}
