import { Alert, Button, Group, Modal, NumberInput, SegmentedControl, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, client, ifMatch, may, Problem, useAttempt, useSession, type Tagged } from '@/api';
import { done, Refused } from '@/components';
import { number } from '@/format';
import { changed, type Field, type Values } from './change';
import type { Team } from './teams';
import classes from './Teams.module.css';

/** Add Team: a name and a pool are enough. */
export function AddTeam({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/teams');
  const close = () => {
    attempt.done();
    create.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="Add Team" size={480} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <Fields
        initial={{ name: '', description: '', common_pool: '', pool_sharing: 'equal', department_id: null, default_quota: '' }}
        verb="Add team"
        busy={create.isPending}
        error={create.error}
        onClose={close}
        onSave={async (v) => {
          try {
            const { default_quota, common_pool, description, ...rest } = v;
            const team = await create.mutateAsync({
              body: { ...rest, ...(common_pool === '' ? {} : { common_pool: Number(common_pool) }), ...(description ? { description } : {}), ...(default_quota === '' ? {} : { default_quota: Number(default_quota) }) },
              headers: attempt.headers(),
            } as never);
            const t = team as unknown as Team;
            done(`${t.name} has a pool of ${number(t.common_pool)} credits. Add its members next.`);
            close();
            void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/teams'] });
            void navigate({ to: `/teams/${t.id}` as '/' });
          } catch (e) {
            if (e instanceof Problem && !e.transient) attempt.done();
            throw e;
          }
        }}
      />
    </Modal>
  );
}

/** Changes a team. Only what the person changed is sent; when somebody else was faster, what they typed stays and they are told what it is now. */
export function EditTeam({ team, reload, onClose }: { team: Tagged<Team>; reload: () => Promise<Tagged<Team> | undefined>; onClose: () => void }) {
  const queries = useQueryClient();
  const base = useRef(team);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<{ label: string; now: string }[]>([]);
  return (
    <Modal opened onClose={onClose} title={`Edit ${base.current.data.name}`} size={480} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <Fields
        initial={valuesOf(base.current.data)}
        editing
        verb="Save team"
        busy={busy}
        error={theirs.length || (error instanceof Problem && error.conflicts) ? null : error}
        onClose={onClose}
        notice={
          error instanceof Problem &&
          error.conflicts && (
            <Alert color="yellow" variant="light" role="alert" title="Somebody else changed this team in the meantime">
              What you typed is still here. {theirs.length > 0 ? 'It is now:' : 'What they changed is nothing that you see here.'}
              {theirs.length > 0 && (
                <ul className={classes.now}>
                  {theirs.map((t) => (
                    <li key={t.label}>
                      {t.label}: {t.now}
                    </li>
                  ))}
                </ul>
              )}
              Save again to keep yours; what you did not touch stays theirs.
            </Alert>
          )
        }
        onSave={async (v) => {
          const body = changed(valuesOf(team.data), v);
          if (Object.keys(body).length === 0) return onClose();
          setBusy(true);
          setError(null);
          try {
            const { data } = await client.PATCH('/v1/admin/teams/{team_id}', { params: { path: { team_id: team.data.id }, header: ifMatch(base.current) as never }, body: body as never });
            done(`${data!.name} was saved.`);
            onClose();
            void queries.invalidateQueries({ predicate: (q) => String(q.queryKey[1] ?? '').startsWith('/v1/admin/teams') || q.queryKey[0] === 'team' });
          } catch (e) {
            if (e instanceof Problem && e.conflicts) {
              const was = valuesOf(base.current.data);
              const now = await reload();
              if (now) {
                setTheirs(differences(was, valuesOf(now.data)));
                base.current = now;
              }
            }
            setError(e);
            throw e;
          } finally {
            setBusy(false);
          }
        }}
      />
    </Modal>
  );
}

function valuesOf(t: Team): Values {
  return { name: t.name, description: t.description, common_pool: t.common_pool, pool_sharing: t.pool_sharing, department_id: t.department_id ?? null, default_quota: t.default_quota ?? '' };
}

const labels: Record<Field, string> = { name: 'Team name', description: 'Description', common_pool: 'Pool quota', pool_sharing: 'Sharing', department_id: 'Department', default_quota: 'Quota of its members' };

function differences(was: Values, now: Values): { label: string; now: string }[] {
  return (Object.keys(labels) as Field[])
    .filter((f) => was[f] !== now[f])
    .map((f) => ({ label: labels[f], now: typeof now[f] === 'number' ? number(now[f] as number) : now[f] === null || now[f] === '' ? 'none' : String(now[f]) }));
}

interface FieldsProps {
  initial: Values;
  editing?: boolean;
  verb: string;
  busy: boolean;
  error: unknown;
  notice?: React.ReactNode;
  onSave: (values: Values) => Promise<void>;
  onClose: () => void;
}

function Fields({ initial, editing, verb, busy, error, notice, onSave, onClose }: FieldsProps) {
  const session = useSession();
  const departments = api.useQuery('get', '/v1/admin/departments', {}, { enabled: may(session, 'listDepartments'), staleTime: 300_000 });
  const form = useForm<Values>({
    initialValues: initial,
    validateInputOnBlur: true,
    validate: {
      name: (v) => (v.trim() ? null : 'Give the team a name.'),
      common_pool: (v) => (editing && v === '' ? 'Enter a figure; 0 is a team without a pool.' : null),
    },
  });
  const submit = form.onSubmit(async (v) => {
    try {
      await onSave({ ...v, name: v.name.trim(), description: v.description.trim() });
    } catch (e) {
      if (e instanceof Problem && e.param && e.param in initial) form.setFieldError(e.param, e.message);
    }
  });
  const told = error instanceof Problem && error.param !== null && error.param in initial;
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput label="Team name" required maxLength={200} data-autofocus {...form.getInputProps('name')} />
        <NumberInput
          label="Pool quota"
          description={`Credits per window that members draw from when their own quota is used up.${editing ? '' : ' Empty takes the organisation’s default.'}`}
          min={0}
          max={9_000_000_000}
          allowNegative={false}
         
          placeholder={editing ? undefined : 'Default'}
          {...form.getInputProps('common_pool')}
        />
        <div>
          <div id="sharing" style={{ fontSize: 13, fontWeight: 500, marginBottom: 4 }}>
            Sharing
          </div>
          <SegmentedControl
            fullWidth
            aria-labelledby="sharing"
            data={[
              { value: 'equal', label: 'Equal shares' },
              { value: 'open', label: 'First come' },
            ]}
            {...form.getInputProps('pool_sharing')}
          />
          <div className="soft" style={{ fontSize: 12, marginTop: 6 }}>
            {form.values.pool_sharing === 'equal' ? 'Every active member may draw the same part of the pool.' : 'Members draw until the pool is empty.'}
          </div>
        </div>
        <Textarea label="Description" maxLength={2000} autosize minRows={2} maxRows={6} {...form.getInputProps('description')} />
        {(departments.data?.data.length ?? 0) > 0 && (
          <Select label="Department" clearable searchable data={departments.data!.data.map((d) => ({ value: d.id, label: d.name }))} {...form.getInputProps('department_id')} />
        )}
        <NumberInput
          label="Quota of its members"
          description="For people whose first team this is and who have no quota of their own. Empty: the department’s or the organisation’s."
          min={0}
          max={9_000_000_000}
          allowNegative={false}
         
          {...form.getInputProps('default_quota')}
        />
        {notice}
        {error !== null && error !== undefined && !told && <Refused error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
