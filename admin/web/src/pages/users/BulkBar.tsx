import { Button } from '@mantine/core';
import { useState } from 'react';
import { count, number } from '@/format';
import { BulkDialog, type BulkKind } from './Bulk';
import { sentence, type Filter, type Person, type Scope } from './filters';
import classes from './Users.module.css';

interface Props {
  selected: Person[];
  everyone: boolean;
  total: number | null;
  filter: Filter;
  scope: Scope;
  onEveryone: (on: boolean) => void;
  onClear: () => void;
}

const most = 100_000;

/** What can be done to those who are selected, or to all that match. */
export function BulkBar({ selected, everyone, total, filter, scope, onEveryone, onClear }: Props) {
  const [kind, setKind] = useState<BulkKind | null>(null);
  if (selected.length === 0 && !everyone) return null;
  const n = everyone ? (total ?? 0) : selected.length;
  const within = scope.team || scope.department ? ' in the chosen scope' : '';
  const who = everyone ? `all ${number(n)} ${sentence(filter)}${within}` : count(n, 'person', 'people');
  return (
    <div className={classes.bulk} role="region" aria-label="Selection">
      <span aria-live="polite">{everyone ? `All ${number(n)} ${sentence(filter)}${within}` : `${number(n)} selected`}</span>
      {!everyone && total !== null && total > selected.length && (
        <Button size="compact-sm" variant="subtle" onClick={() => onEveryone(true)} disabled={total > most} title={total > most ? `At most ${number(most)} at once: filter first` : undefined}>
          Select all {number(total)} that match
        </Button>
      )}
      <Button size="compact-sm" variant="subtle" color="gray" onClick={onClear}>
        Clear selection
      </Button>
      <span className={classes.acts}>
        {(
          [
            ['suspend', 'Suspend'],
            ['activate', 'Reactivate'],
            ['quota', 'Set quota'],
            ['team_add', 'Add to team'],
            ['team_remove', 'Remove from team'],
          ] as const
        ).map(([k, label]) => (
          <Button key={k} size="compact-sm" variant="default" onClick={() => setKind(k)}>
            {label}
          </Button>
        ))}
      </span>
      <BulkDialog kind={kind} who={who} n={n} selection={everyone ? { filter, scope } : { ids: selected.map((p) => p.id) }} onClose={() => setKind(null)} onDone={onClear} />
    </div>
  );
}
