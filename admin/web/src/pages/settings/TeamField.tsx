import { Select } from '@mantine/core';
import { api } from '@/api';

/** The team that owns something. */
export function TeamField({ value, name, onChange, error }: { value: string; name?: string; onChange: (team: string) => void; error?: string }) {
  const teams = api.useQuery('get', '/v1/admin/teams', { params: { query: { limit: 200 } } }, { staleTime: 60_000 });
  const data = (teams.data?.data ?? []).map((t) => ({ value: t.id, label: t.name }));
  // The one that stands may lie beyond what was read.
  if (value && !data.some((t) => t.value === value)) data.push({ value, label: name || value });
  return (
    <Select
      label="Owned by"
      description="It is one member of this team, and each share of the pool is smaller by it."
      placeholder={data.length ? 'Choose a team' : 'There is no team yet'}
      searchable
      required
      allowDeselect={false}
      data={data}
      value={value || null}
      onChange={(v) => v && onChange(v)}
      error={error}
    />
  );
}
