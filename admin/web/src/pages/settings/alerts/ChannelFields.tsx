import { Select, Switch, TextInput } from '@mantine/core';
import { api } from '@/api';
import { froms } from './words';

/** What a channel's form holds. An address that is empty stays what it is. */
export interface Fields {
  name: string;
  address: string;
  from: number;
  transfers: boolean;
}

interface Props {
  fields: Fields;
  set: (fields: Fields) => void;
  /** What is shown of the address that stands; without one an address is needed. */
  standing?: string;
  faults: { name?: string; address?: string };
  disabled?: boolean;
}

export function ChannelFields({ fields: f, set, standing, faults, disabled }: Props) {
  const organisation = api.useQuery('get', '/v1/admin/settings', {}, { staleTime: 60_000 });
  const thresholds = organisation.data?.organization.settings.alert_thresholds ?? [50, 75, 90, 100];
  return (
    <>
      <TextInput label="Name" description="What it is called here: the channel in Slack, say." placeholder="#llm-costs" required maxLength={100} disabled={disabled} value={f.name} onChange={(e) => set({ ...f, name: e.currentTarget.value })} error={faults.name} data-autofocus={!standing || undefined} />
      <TextInput
        label="Webhook address"
        description={standing ? 'Who has it can write there, so it is not shown again. Empty: it stays.' : 'From Slack’s Incoming Webhooks page. Who has it can write there, so it is not shown again.'}
        placeholder={standing ?? 'https://hooks.slack.com/services/…'}
        required={!standing}
        maxLength={1000}
        autoComplete="off"
        spellCheck={false}
        inputMode="url"
        disabled={disabled}
        value={f.address}
        onChange={(e) => set({ ...f, address: e.currentTarget.value })}
        error={faults.address}
      />
      <Select label="Alerts" description="Of pools and caps, when so much of them is used." allowDeselect={false} disabled={disabled} data={froms(thresholds, f.from)} value={String(f.from)} onChange={(v) => v && set({ ...f, from: Number(v) })} />
      <Switch label="Transfers" description="When people give each other credits." disabled={disabled} checked={f.transfers} onChange={(e) => set({ ...f, transfers: e.currentTarget.checked })} />
    </>
  );
}
