import { Button, Modal, NumberInput, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, Problem, useAttempt, useSession } from '@/api';
import { KeyOnce, Refused, TeamPicker, type TeamRef } from '@/components';
import { ownedBy, type ServiceAccount } from './serviceAccount';

/** Makes a service account and shows its first key, once. */
export function NewAccount({ opened, onClose, onMade }: { opened: boolean; onClose: () => void; onMade: (a: ServiceAccount) => void }) {
  const session = useSession();
  const queries = useQueryClient();
  const attempt = useAttempt();
  const create = api.useMutation('post', '/v1/admin/service-accounts');
  const [name, setName] = useState('');
  const [team, setTeam] = useState<TeamRef | null>(null);
  const [center, setCenter] = useState('');
  const [budget, setBudget] = useState<number | string>('');
  const [tried, setTried] = useState(false);
  const made = create.data as ServiceAccount | undefined;
  const param = create.error instanceof Problem ? create.error.param : null;
  const close = () => {
    create.reset();
    attempt.done();
    setName('');
    setTeam(null);
    setCenter('');
    setBudget('');
    setTried(false);
    onClose();
  };
  const submit = () => {
    setTried(true);
    if (!name.trim() || !team) return;
    create.mutate(
      { params: { header: attempt.headers() }, body: { name: name.trim(), team_id: team.id, cost_center: center.trim() || undefined, budget: budget === '' ? null : Number(budget) } },
      { onSuccess: () => void queries.invalidateQueries({ queryKey: ['get', '/v1/admin/service-accounts'] }) },
    );
  };
  return (
    <Modal opened={opened} onClose={close} title={made?.api_key ? 'Save this key' : 'Create a service account'} size={480} closeOnClickOutside={false} closeOnEscape={!made?.api_key} withCloseButton={!made?.api_key} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      {made?.api_key ? (
        <KeyOnce
          value={made.api_key}
          owner={made.name}
          onDone={() => {
            close();
            onMade(made);
          }}
        />
      ) : (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          <Stack gap="md">
            <TextInput label="Name" description="What it is in lists of usage: the program, and where it runs." placeholder="Nightly reports, production" required maxLength={200} value={name} onChange={(e) => setName(e.currentTarget.value)} error={(tried && !name.trim() && 'A name is needed.') || (param === 'name' && create.error instanceof Problem && create.error.message)} data-autofocus />
            <TeamPicker label="Owned by" description={ownedBy} required value={team} onChange={setTeam} error={tried && !team ? 'Choose the team that answers for it.' : param === 'team_id' && create.error instanceof Problem ? create.error.message : undefined} />
            <NumberInput label="Budget of its own" description={`In ${session.organisation.unit}, for each window; it pays before the team’s share. Empty: the share alone.`} placeholder="none" min={0} max={9e9} allowNegative={false} hideControls value={budget} onChange={setBudget} />
            <TextInput label="Cost centre" maxLength={100} value={center} onChange={(e) => setCenter(e.currentTarget.value)} />
            {create.error !== null && !param && <Refused error={create.error} />}
            <Button type="submit" loading={create.isPending} style={{ alignSelf: 'flex-end' }}>
              Create account
            </Button>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
