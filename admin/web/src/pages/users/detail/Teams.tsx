import { ActionIcon, Button, Group, Menu, Modal, Stack } from '@mantine/core';
import { IconDots, IconShieldMinus, IconShieldPlus, IconUserMinus, IconUserPlus, IconUsersGroup } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { administers, allows, api, useSession } from '@/api';
import { Confirm, DataTable, EmptyState, Export, Refused, TeamPicker, Tone, done, failed, type TeamRef } from '@/components';
import { usePeopleAgain } from '../again';
import type { Person } from '../filters';
import { teamName } from '../teams';
import classes from './User.module.css';

type Membership = Person['teams'][number];

/** The teams that a person draws from, in the order in which their pools pay. */
export function Teams({ person }: { person: Person }) {
  const session = useSession();
  const again = usePeopleAgain();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Membership | null>(null);
  const put = api.useMutation('post', '/v1/admin/teams/{team_id}/members/{user_id}');
  const remove = api.useMutation('delete', '/v1/admin/teams/{team_id}/members/{user_id}');
  const admin = allows(session, 'admin');
  const join = admin && (
    <Button variant="light" size="xs" leftSection={<IconUserPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
      Add to team
    </Button>
  );
  return (
    <>
      <div className={classes.head}>
        <span className="soft">When the own quota is used up, the pool of the first team pays, then those of the others.</span>
        <span className={classes.head} style={{ margin: 0 }}>
          {join}
          <Export what="teams-of-user" request={{ path: `/v1/admin/users/${person.id}` }} rows={() => ({ head: ['Team', 'Id', 'Team admin'], rows: person.teams.map((t) => [teamName(t), t.team_id, t.is_admin]) })} />
        </span>
      </div>
      <DataTable<Membership>
        label="Teams"
        rows={person.teams}
        idOf={(t) => t.team_id}
        columns={[
          { id: 'team', title: 'Team', cell: (t) => <span className={classes.wrap}><Link to={`/teams/${t.team_id}` as '/'}>{teamName(t)}</Link>{t === person.teams[0] && <span className="soft"> · primary</span>}</span> },
          { id: 'admin', title: 'Part', width: 140, cell: (t) => (t.is_admin ? <Tone tone="accent">Team admin</Tone> : 'Member') },
          {
            id: 'acts',
            title: '',
            width: 56,
            cell: (t) =>
              administers(session, t.team_id) ? (
                <Menu position="bottom-end" width={210} transitionProps={{ duration: 120 }}>
                  <Menu.Target>
                    <ActionIcon size={28} aria-label={`More for ${teamName(t)}`}>
                      <IconDots size={18} />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    {admin && (
                      <Menu.Item
                        leftSection={t.is_admin ? <IconShieldMinus size={16} /> : <IconShieldPlus size={16} />}
                        onClick={() =>
                          put.mutate(
                            { params: { path: { team_id: t.team_id, user_id: person.id }, query: { is_admin: !t.is_admin } } },
                            { onSuccess: () => { again(); done(t.is_admin ? `${person.name} does not administer ${teamName(t)} any more.` : `${person.name} administers ${teamName(t)} now.`); }, onError: (e) => failed('That was not changed', e) },
                          )
                        }
                      >
                        {t.is_admin ? 'Remove as team admin' : 'Make team admin'}
                      </Menu.Item>
                    )}
                    <Menu.Item color="red" leftSection={<IconUserMinus size={16} />} onClick={() => setLeaving(t)}>
                      Remove from team
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              ) : null,
          },
        ]}
        empty={<EmptyState compact icon={IconUsersGroup} title="In no team" action={join}>Nothing pays once the own quota is used up.</EmptyState>}
      />
      <Join person={person} opened={adding} onClose={() => setAdding(false)} />
      <Confirm
        opened={leaving !== null}
        onClose={() => setLeaving(null)}
        title={`Remove ${person.name} from ${leaving ? teamName(leaving) : ''}?`}
        consequences="The pool does not pay for this person any more, and the share of the others grows. What was drawn from it stays used."
        verb="Remove from team"
        danger
        onConfirm={async () => {
          await remove.mutateAsync({ params: { path: { team_id: leaving!.team_id, user_id: person.id } } });
          done(`${person.name} left ${teamName(leaving!)}.`);
          again();
        }}
      />
    </>
  );
}

function Join({ person, opened, onClose }: { person: Person; opened: boolean; onClose: () => void }) {
  const again = usePeopleAgain();
  const put = api.useMutation('post', '/v1/admin/teams/{team_id}/members/{user_id}');
  const [team, setTeam] = useState<TeamRef | null>(null);
  const close = () => {
    put.reset();
    setTeam(null);
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={`Add ${person.name} to a team`} size={440} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (team) put.mutate({ params: { path: { team_id: team.id, user_id: person.id }, query: { is_admin: false } } }, { onSuccess: () => { again(); done(`${person.name} joined ${team.name}.`); close(); } });
        }}
      >
        <Stack gap="md">
          <TeamPicker label="Team" description="Its pool is shared equally among active members, so the share of the others becomes smaller." required value={team} onChange={setTeam} without={person.teams.map((m) => m.team_id)} autoFocus />
          {put.error !== null && <Refused error={put.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={put.isPending} disabled={!team}>
              Add to team
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
