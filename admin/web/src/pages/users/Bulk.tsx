import { Button, Group, Modal, NumberInput, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '@/api';
import { TeamPicker, type TeamRef } from '@/components';
import { count } from '@/format';
import { selectionOf, type Filter, type Scope } from './filters';
import { useJobFlow, type JobCreate } from './jobs';
import { JobSteps } from './JobSteps';

export type BulkKind = 'suspend' | 'activate' | 'quota' | 'team_add' | 'team_remove';
export type Selected = { ids: string[] } | { filter: Filter; scope: Scope };

const words: Record<BulkKind, { title: string; about: string; will: string; did: string; verb: string }> = {
  suspend: { title: 'Suspend', about: 'New requests of theirs are refused within a second; what is in flight finishes. Keys, quotas and teams stay.', will: 'will be suspended', did: 'suspended', verb: 'Suspend' },
  activate: { title: 'Reactivate', about: 'Requests of theirs are let through again, with the keys they have. Those on vacation come back.', will: 'will be active', did: 'made active', verb: 'Reactivate' },
  quota: { title: 'Set the quota of', about: 'It counts for the window that runs and those after it. What is used stays used.', will: 'will get the new quota', did: 'got the new quota', verb: 'Set the quota of' },
  team_add: { title: 'Add to a team:', about: 'The pool is shared equally among active members, so the share of each who is there becomes smaller.', will: 'will join', did: 'joined', verb: 'Add' },
  team_remove: { title: 'Remove from a team:', about: "They cannot draw from the team's pool any more; what they have drawn stays.", will: 'will leave', did: 'left', verb: 'Remove' },
};

/** One thing for many: what to do, who it changes, then doing it. */
export function BulkDialog({ kind, who, n, selection, onClose, onDone }: { kind: BulkKind | null; who: string; n: number; selection: Selected; onClose: () => void; onDone: () => void }) {
  return (
    <Modal opened={kind !== null} onClose={onClose} title={kind ? `${words[kind].title} ${who}` : ''} size={760} closeOnClickOutside={false} styles={{ title: { fontWeight: 600, fontSize: 16, overflowWrap: 'anywhere' } }}>
      {kind && <Body key={kind} kind={kind} n={n} selection={selection} onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Body({ kind, n, selection, onClose, onDone }: { kind: BulkKind; n: number; selection: Selected; onClose: () => void; onDone: () => void }) {
  const session = useSession();
  const flow = useJobFlow();
  const [quota, setQuota] = useState<string | number>('');
  const [team, setTeam] = useState<TeamRef | null>(null);
  const [reason, setReason] = useState('');
  const needsTeam = kind === 'team_add' || kind === 'team_remove';
  const w = words[kind];
  const close = () => {
    if (flow.step === 'done' || flow.step === 'running') onDone();
    onClose();
  };
  if (flow.step !== 'form' || flow.error !== null) return <JobSteps flow={flow} verbs={w} apply={(changed) => `${w.verb} ${count(changed, 'person', 'people')}`} onClose={close} />;
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (needsTeam && !team) return;
        const body: JobCreate = { kind, selection: 'ids' in selection ? { ids: selection.ids } : { filter: selectionOf(selection.filter, selection.scope, new Date()) } };
        if (kind === 'quota') body.personal_quota = quota === '' ? null : Number(quota);
        if (needsTeam) body.team_id = team!.id;
        if (reason.trim()) body.reason = reason.trim();
        flow.check(body);
      }}
    >
      <Stack gap="md">
        <div>{w.about}</div>
        {kind === 'quota' && (
          <NumberInput label="Quota" description={`${session.organisation.unit} for each window. Empty inherits the default of the team or organisation; 0 blocks.`} placeholder="inherits" min={0} max={9e9} allowNegative={false} hideControls value={quota} onChange={setQuota} data-autofocus />
        )}
        {needsTeam && (
          <TeamPicker label="Team" required value={team} onChange={setTeam} autoFocus />
        )}
        <TextInput label="Reason" description="Stands in the audit log beside each change." maxLength={500} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <Group justify="space-between" gap="xs">
          <span className="soft">Nothing is changed yet.</span>
          <Group gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={flow.starting} disabled={n === 0 || (needsTeam && !team)}>
              See who it changes
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
