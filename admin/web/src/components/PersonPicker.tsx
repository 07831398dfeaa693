import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState, type ReactNode } from 'react';
import { api } from '../api/client';
import classes from './PersonPicker.module.css';

export interface Person {
  id: string;
  name: string;
  email: string;
}

interface Props {
  label: ReactNode;
  description?: ReactNode;
  placeholder?: string;
  /** Who is chosen; the name is shown before anything was searched. */
  value: Person | null;
  onChange: (person: Person | null) => void;
  /** Ids that cannot be chosen, such as members that a team has. */
  without?: readonly string[];
  error?: ReactNode;
  required?: boolean;
  size?: string;
  w?: number | string;
  /** Only a screen reader hears the label. */
  quiet?: boolean;
  autoFocus?: boolean;
}

/** Finds a person by part of a name or an address. The server searches, so it is the same with ten people and a hundred thousand. */
export function PersonPicker({ label, description, placeholder = 'Name or address', value, onChange, without = [], error, required, size, w, quiet, autoFocus }: Props) {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 200);
  const known = useRef(new Map<string, Person>());
  const asked = value && typed === value.name ? '' : q;
  const people = api.useQuery('get', '/v1/admin/users', { params: { query: { q: asked || undefined, limit: 20, sort: 'name' } } }, { placeholderData: (before) => before, staleTime: 30_000 });
  if (value) known.current.set(value.id, value);
  const found = (people.data?.data ?? []).filter((u) => !without.includes(u.id));
  for (const u of found) known.current.set(u.id, { id: u.id, name: u.name, email: u.email });
  const options = found.map((u) => ({ value: u.id, label: u.name || u.email }));
  if (value && !options.some((o) => o.value === value.id)) options.unshift({ value: value.id, label: value.name || value.email });
  return (
    <Select
      label={quiet ? undefined : label}
      aria-label={quiet && typeof label === 'string' ? label : undefined}
      description={description}
      placeholder={placeholder}
      data={options}
      value={value?.id ?? null}
      onChange={(id) => onChange(id ? (known.current.get(id) ?? null) : null)}
      searchable
      openOnFocus={false}
      clearable
      clearButtonProps={{ 'aria-label': 'Choose nobody' }}
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options: all }) => all}
      nothingFoundMessage={people.isFetching ? 'Searching…' : people.error ? `Could not search. ${(people.error as unknown as Error).message}` : 'Nobody matches'}
      renderOption={({ option }) => {
        const p = known.current.get(option.value);
        return (
          <span className={classes.option}>
            <span className="truncate">{option.label}</span>
            <span className="soft truncate">{p?.email}</span>
          </span>
        );
      }}
      comboboxProps={{ transitionProps: { duration: 120 } }}
      maxDropdownHeight={280}
      error={error}
      required={required}
      size={size}
      w={w}
      data-autofocus={autoFocus || undefined}
    />
  );
}
