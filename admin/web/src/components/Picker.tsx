import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState, type ReactNode } from 'react';
import classes from './Picker.module.css';

/** What the pickers of people and of teams have in common. */
export interface PickerProps<T> {
  label: ReactNode;
  description?: ReactNode;
  placeholder?: string;
  /** What is chosen; its name is shown before anything was searched. */
  value: T | null;
  onChange: (chosen: T | null) => void;
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

interface Props<T> extends PickerProps<T> {
  /** Asks for what matches a text; undefined asks for the first. */
  useFound: (q: string | undefined) => { data: T[] | undefined; isFetching: boolean; error: unknown };
  nameOf: (one: T) => string;
  detailOf?: (one: T) => string;
  /** "Choose nobody" */
  clear: string;
  /** "Nobody matches" */
  nothing: string;
}

/** Finds one of many by a part of its name. The server searches, so it is the same with ten and a hundred thousand. */
export function Picker<T extends { id: string }>({ label, description, placeholder, value, onChange, without = [], error, required, size, w, quiet, autoFocus, useFound, nameOf, detailOf, clear, nothing }: Props<T>) {
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 200);
  const known = useRef(new Map<string, T>());
  const asked = value && typed === nameOf(value) ? '' : q;
  const { data, isFetching, error: failed } = useFound(asked || undefined);
  if (value) known.current.set(value.id, value);
  const found = (data ?? []).filter((one) => !without.includes(one.id));
  for (const one of found) known.current.set(one.id, one);
  const options = found.map((one) => ({ value: one.id, label: nameOf(one) }));
  if (value && !options.some((o) => o.value === value.id)) options.unshift({ value: value.id, label: nameOf(value) });
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
      clearable={!required || value !== null}
      clearButtonProps={{ 'aria-label': clear }}
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options: all }) => all}
      nothingFoundMessage={isFetching ? 'Searching…' : failed ? `Could not search. ${(failed as Error).message}` : nothing}
      renderOption={({ option }) => {
        const one = known.current.get(option.value);
        return (
          <span className={classes.option}>
            <span className="truncate">{option.label}</span>
            {one && detailOf && <span className="soft truncate">{detailOf(one)}</span>}
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
