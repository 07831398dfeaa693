import { ActionIcon, Button, CloseButton, Menu, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconCheck, IconFilter, IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import classes from './Filters.module.css';

/** One filter that can be set: its name, its values, and which one is. */
export interface Choice {
  label: string;
  /** null: not set. */
  value: string | null;
  options: { value: string; label: string }[];
  onChange: (value: string | null) => void;
}

/** Search and filter chips above a list. What is set reads as a sentence and is kept in the address by the page. */
export function Filters({ start, search, onSearch, placeholder, choices = [], children, end }: { start?: ReactNode; search?: string; onSearch?: (text: string) => void; placeholder?: string; choices?: Choice[]; children?: ReactNode; end?: ReactNode }) {
  const set = choices.filter((c) => c.value !== null);
  const unset = choices.filter((c) => c.value === null);
  return (
    <div className={classes.bar} role="search">
      {start}
      {onSearch && <SearchField value={search ?? ''} onChange={onSearch} placeholder={placeholder ?? 'Search'} />}
      {set.map((c) => (
        <span key={c.label} className={classes.chip}>
          <Menu position="bottom-start" transitionProps={{ duration: 120 }}>
            <Menu.Target>
              <button type="button" className={classes.chosen}>
                <span className="soft">{c.label}</span> {c.options.find((o) => o.value === c.value)?.label ?? c.value}
              </button>
            </Menu.Target>
            <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
              {c.options.map((o) => (
                <Menu.Item key={o.value} onClick={() => c.onChange(o.value)} rightSection={o.value === c.value ? <IconCheck size={14} aria-label="set" /> : null}>
                  {o.label}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <ActionIcon size={24} onClick={() => c.onChange(null)} aria-label={`Remove the filter ${c.label}`}>
            <IconX size={14} />
          </ActionIcon>
        </span>
      ))}
      {unset.length > 0 && (
        <Menu position="bottom-start" width={220} transitionProps={{ duration: 120 }}>
          <Menu.Target>
            <Button variant="subtle" color="gray" size="xs" h={32} leftSection={<IconFilter size={16} aria-hidden />}>
              Filter
            </Button>
          </Menu.Target>
          <Menu.Dropdown mah={380} style={{ overflowY: 'auto' }}>
            {unset.map((c) => (
              <div key={c.label}>
                <Menu.Label>{c.label}</Menu.Label>
                {c.options.map((o) => (
                  <Menu.Item key={o.value} onClick={() => c.onChange(o.value)}>
                    {o.label}
                  </Menu.Item>
                ))}
              </div>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {children}
      {(set.length > 0 || search) && (
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          h={32}
          onClick={() => {
            onSearch?.('');
            for (const c of set) c.onChange(null);
          }}
        >
          Clear all
        </Button>
      )}
      {end && <div className={classes.end}>{end}</div>}
    </div>
  );
}

/** Asks the server when the typing pauses, and follows the address when that changes. */
function SearchField({ value, onChange, placeholder }: { value: string; onChange: (text: string) => void; placeholder: string }) {
  const [typed, setTyped] = useState(value);
  const tell = useDebouncedCallback(onChange, 200);
  useEffect(() => setTyped(value), [value]);
  return (
    <TextInput
      type="search"
      className={classes.search}
      value={typed}
      placeholder={placeholder}
      aria-label={placeholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={typed ? <CloseButton size="sm" aria-label="Clear the search" onClick={() => { setTyped(''); onChange(''); }} /> : null}
      onChange={(e) => {
        setTyped(e.currentTarget.value);
        tell(e.currentTarget.value);
      }}
    />
  );
}
