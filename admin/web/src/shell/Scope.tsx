import { Button, Menu, TextInput } from '@mantine/core';
import { IconBuilding, IconCheck, IconChevronDown, IconUsers, IconUsersGroup } from '@tabler/icons-react';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { api } from '../api/client';
import { allows } from '../api/permission';
import { useSession } from '../api/session';
import { useScope, type ScopeValue } from './controls';
import classes from './controls.module.css';

/** Chooses the part of the organisation that the page is about: all of it, a department or a team. */
export function Scope() {
  const session = useSession();
  const [scope, setScope] = useScope();
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState('');
  const needed = open || scope.level !== 'organization';
  const departments = api.useQuery('get', '/v1/admin/departments', {}, { enabled: needed && allows(session, 'admin'), staleTime: 60_000 });
  const [q] = useDebouncedValue(filter.trim(), 200);
  const teams = api.useQuery('get', '/v1/admin/teams', { params: { query: { q: q || undefined, limit: 50 } } }, { enabled: open, staleTime: 60_000, placeholderData: (before) => before });
  const id = scope.level === 'organization' ? null : scope.id;
  const team = api.useQuery('get', '/v1/admin/teams/{team_id}', { params: { path: { team_id: id ?? '' } } }, { enabled: scope.level === 'team', staleTime: 60_000 });
  const choices = [
    ...(departments.data?.data ?? []).filter((d) => d.name.toLowerCase().includes(filter.toLowerCase())).map((d) => ({ level: 'department' as const, id: d.id, name: d.name })),
    ...(teams.data?.data ?? []).map((t) => ({ level: 'team' as const, id: t.id, name: t.name })),
  ];
  const nameOf = (id: string) => (scope.level === 'team' ? team.data?.name : departments.data?.data.find((d) => d.id === id)?.name) ?? id;
  const name = id ? nameOf(id) : session.organisation.name;
  const choose = (s: ScopeValue) => () => setScope(s);
  return (
    <Menu position="bottom-start" width={280} opened={open} onChange={setOpen} transitionProps={{ duration: 120 }} onClose={() => setFilter('')}>
      <Menu.Target>
        <Button variant="default" size="xs" h={36} className={classes.button} leftSection={id ? <IconUsers size={16} aria-hidden /> : <IconBuilding size={16} aria-hidden />} rightSection={<IconChevronDown size={14} aria-hidden />} aria-label={`Scope: ${name}`}>
          <span className="truncate">{name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        <TextInput size="xs" placeholder="Find a team or department" aria-label="Find a team or department" value={filter} onChange={(e) => setFilter(e.currentTarget.value)} mb={4} data-autofocus />
        <Menu.Item leftSection={<IconBuilding size={16} />} onClick={choose({ level: 'organization' })} rightSection={id ? null : <IconCheck size={16} aria-label="shown" />}>
          {session.organisation.name}
        </Menu.Item>
        {(['department', 'team'] as const).map((level) => {
          const some = choices.filter((c) => c.level === level);
          return some.length === 0 ? null : (
            <div key={level}>
              <Menu.Label>{level === 'team' ? 'Teams' : 'Departments'}</Menu.Label>
              {some.map((c) => (
                <Menu.Item key={c.id} leftSection={level === 'team' ? <IconUsers size={16} /> : <IconUsersGroup size={16} />} onClick={choose(c)} rightSection={c.id === id ? <IconCheck size={16} aria-label="shown" /> : null}>
                  {c.name}
                </Menu.Item>
              ))}
            </div>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
