import { ActionIcon, Menu } from '@mantine/core';
import { IconBan, IconBeach, IconDots, IconEdit, IconPlayerPlay, IconShieldMinus, IconShieldPlus, IconTrash } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { allows, administers, may, useSession, type Session } from '@/api';
import type { Person } from './filters';
import { RemoveUser, SuspendUser, AdminPrivilege, useStatus } from './status';
import { VacationDialog } from './Vacation';

function mayAct(session: Session, person: Person): boolean {
  return may(session, 'updateUser') && (allows(session, 'admin') || person.teams.some((t) => administers(session, t.team_id)));
}

/** The button alone, until it is pressed: a list draws many of them, and nobody opens more than one. */
export function PersonActsButton({ person, onEdit }: { person: Person; onEdit: () => void }) {
  const session = useSession();
  const [wanted, setWanted] = useState(false);
  if (wanted) return <PersonActs person={person} onEdit={onEdit} opened />;
  if (!allows(session, 'admin') && !mayAct(session, person)) return null;
  return (
    <ActionIcon size={28} aria-label={`More for ${person.name}`} aria-haspopup="menu" aria-expanded={false} onClick={() => setWanted(true)}>
      <IconDots size={18} />
    </ActionIcon>
  );
}

/** Everything that can be done to one person, and only what whoever is signed in may do. */
export function PersonActs({ person, onEdit, onDeleted, target, opened }: { person: Person; onEdit?: () => void; onDeleted?: () => void; target?: ReactNode; opened?: boolean }) {
  const session = useSession();
  const status = useStatus();
  const [dialog, setDialog] = useState<'vacation' | 'suspend' | 'privilege' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const admin = allows(session, 'admin');
  const self = person.id === session.user.id;
  const away = mayAct(session, person);
  if (!away && !admin) return null;
  return (
    <>
      <Menu position="bottom-end" width={230} transitionProps={{ duration: 120 }} defaultOpened={opened}>
        <Menu.Target>
          {target ?? (
            <ActionIcon size={28} aria-label={`More for ${person.name}`}>
              <IconDots size={18} />
            </ActionIcon>
          )}
        </Menu.Target>
        <Menu.Dropdown>
          {onEdit && admin && (
            <Menu.Item leftSection={<IconEdit size={16} />} onClick={onEdit}>
              Edit user
            </Menu.Item>
          )}
          {away && person.status === 'active' && (
            <Menu.Item leftSection={<IconBeach size={16} />} onClick={() => setDialog('vacation')}>
              Set vacation
            </Menu.Item>
          )}
          {away && person.status === 'on_vacation' && (
            <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => void status(person, 'active')}>
              End vacation
            </Menu.Item>
          )}
          {allows(session, 'owner') && !self && person.access_role !== 'owner' && (
            <Menu.Item leftSection={person.access_role === 'admin' ? <IconShieldMinus size={16} /> : <IconShieldPlus size={16} />} onClick={() => setDialog('privilege')}>
              {person.access_role === 'admin' ? 'Remove admin privilege' : 'Give admin privilege'}
            </Menu.Item>
          )}
          {admin && person.status === 'suspended' && (
            <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => void status(person, 'active')}>
              Reactivate user
            </Menu.Item>
          )}
          {admin && !self && (
            <>
              <Menu.Divider />
              {person.status !== 'suspended' && (
                <Menu.Item leftSection={<IconBan size={16} />} onClick={() => setDialog('suspend')}>
                  Suspend user
                </Menu.Item>
              )}
              {may(session, 'deleteUser') && (
                <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setDialog('delete')}>
                  Delete user
                </Menu.Item>
              )}
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <VacationDialog person={person} opened={dialog === 'vacation'} onClose={close} />
      <SuspendUser person={person} opened={dialog === 'suspend'} onClose={close} />
      <AdminPrivilege person={person} opened={dialog === 'privilege'} onClose={close} />
      <RemoveUser person={person} opened={dialog === 'delete'} onClose={close} onDeleted={onDeleted} />
    </>
  );
}
