import { Autocomplete, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, useSession } from '@/api';
import { Id } from '@/components';
import { scopes, type Limit } from './limits';

/** What a limit binds, by its name where it has one. */
export function Subject({ limit: l }: { limit: Pick<Limit, 'scope' | 'subject'> }) {
  const session = useSession();
  const team = api.useQuery('get', '/v1/admin/teams/{team_id}', { params: { path: { team_id: l.subject } } }, { enabled: l.scope === 'team', staleTime: 60_000 });
  const departments = api.useQuery('get', '/v1/admin/departments', {}, { enabled: l.scope === 'department', staleTime: 60_000 });
  const user = api.useQuery('get', '/v1/admin/users/{user_id}', { params: { path: { user_id: l.subject } } }, { enabled: l.scope === 'user', staleTime: 60_000 });
  switch (l.scope) {
    case 'organization':
      return <>{session.organisation.name}</>;
    case 'team':
      return <Link to={`/teams/${l.subject}` as '/'}>{team.data?.name ?? l.subject}</Link>;
    case 'department':
      return <>{departments.data?.data.find((d) => d.id === l.subject)?.name ?? l.subject}</>;
    case 'user':
      return <Link to={`/users/${l.subject}` as '/'}>{user.data?.name || user.data?.email || l.subject}</Link>;
    case 'model':
      return <span className="mono">{l.subject}</span>;
    default:
      return <Id value={l.subject} short />;
  }
}

/** Finds what a limit shall bind, by name. */
export function SubjectField({ scope, value, onChange, error }: { scope: Limit['scope']; value: string; onChange: (subject: string) => void; error?: string }) {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 200);
  const label = scopes.find((s) => s.value === scope)!.label;
  const found = api.useQuery('get', '/v1/admin/search', { params: { query: { q, limit: 20 } } }, { enabled: q.length > 0 && scope !== 'model', placeholderData: (before) => before });
  const models = api.useQuery('get', '/v1/admin/models', {}, { enabled: scope === 'model', staleTime: 60_000 });
  if (scope === 'model') {
    return <Autocomplete label="Model" description="As requests name it." data={[...new Set(models.data?.data.map((m) => m.model))]} value={value} onChange={onChange} maxLength={200} limit={40} error={error} />;
  }
  const hits = (found.data?.data ?? []).filter((h) => h.kind === scope);
  const data = [...new Map(hits.map((h) => [h.id, { value: h.id, label: h.detail ? `${h.title} · ${h.detail}` : h.title }])).values()];
  return (
    <Select
      label={label}
      description={scope === 'key' ? 'By its first characters.' : 'By a part of the name.'}
      data={data}
      value={value || null}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={q ? (found.isFetching ? 'Looking' : 'Nothing has this name') : 'Type to find'}
      error={error}
      onChange={(v) => onChange(v ?? '')}
    />
  );
}
