import { Avatar, Menu, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconDevices, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useSession, useSignOut } from '../api/session';
import { failed } from './toast';

const roles = { owner: 'Owner', admin: 'Admin', member: 'Member' } as const;

/** Who is signed in, and out. */
export function UserMenu() {
  const session = useSession();
  const signOut = useSignOut();
  const leave = (everywhere: boolean) => () => signOut.mutate(everywhere, { onError: (e) => failed('You are still signed in', e) });
  return (
    <Menu position="bottom-end" width={250} transitionProps={{ duration: 120 }}>
      <Menu.Target>
        <UnstyledButton style={{ borderRadius: 18 }}>
          <VisuallyHidden>Signed in as {session.user.name}</VisuallyHidden>
          <Avatar aria-hidden size={32} radius="xl" name={session.user.name} color="teal" variant="light" styles={{ placeholder: { color: 'var(--a-accent)', background: 'var(--a-accent-soft)' } }} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div style={{ padding: '8px 12px' }}>
          <div className="truncate" style={{ fontWeight: 600 }}>{session.user.name}</div>
          <div className="truncate soft" style={{ fontSize: 13 }}>{session.user.email}</div>
          <div className="soft" style={{ fontSize: 13 }}>
            {roles[session.role]}
            {' · key '}
            <span className="mono">{session.key.prefix}…</span>
          </div>
        </div>
        <Menu.Divider />
        <Menu.Item component={Link} to="/my-usage" leftSection={<IconUserCircle size={16} />}>
          My usage
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={leave(false)}>
          Sign out
        </Menu.Item>
        <Menu.Item leftSection={<IconDevices size={16} />} onClick={leave(true)}>
          Sign out everywhere
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
