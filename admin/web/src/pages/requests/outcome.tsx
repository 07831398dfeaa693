import { IconAlertTriangle, IconCheck, IconPlugConnectedX, IconX, type Icon } from '@tabler/icons-react';
import type { components } from '@/api';
import { Tone } from '@/components';

type Row = components['schemas']['RequestRow'];

/** How a request that was let through ended, in words. */
export const outcomes: Record<string, { text: string; tone: 'ok' | 'warn' | 'bad'; icon: Icon }> = {
  completed: { text: 'completed', tone: 'ok', icon: IconCheck },
  client_gone: { text: 'client left', tone: 'warn', icon: IconPlugConnectedX },
  upstream_error: { text: 'provider refused', tone: 'bad', icon: IconX },
  broken: { text: 'broke off', tone: 'bad', icon: IconAlertTriangle },
  shutdown: { text: 'Alfred stopped', tone: 'warn', icon: IconAlertTriangle },
  expired: { text: 'never ended', tone: 'warn', icon: IconAlertTriangle },
  internal_error: { text: 'Alfred failed', tone: 'bad', icon: IconAlertTriangle },
};

/** The outcome of a row, and what is unusual about it. */
export function Outcome({ row }: { row: Row }) {
  const o = outcomes[row.outcome];
  return (
    <>
      <Tone tone={o?.tone} icon={o?.icon}>
        {o?.text ?? row.outcome}
      </Tone>
      {row.status >= 400 && <span className="soft num"> HTTP {row.status}</span>}
      {unusual(row).map((u) => (
        <span key={u}>
          {' '}
          <Tone tone="warn">{u}</Tone>
        </span>
      ))}
    </>
  );
}

/** What an ordinary request does not have. */
export function unusual(row: Row): string[] {
  const all: [boolean, string][] = [
    [row.shrunk, 'shortened to fit'],
    [row.estimated, 'estimated'],
    [row.late, 'booked late'],
    [row.overrun, 'more than asked'],
    [row.degraded !== '', `without the ledger: ${row.degraded}`],
    [row.private, 'private'],
  ];
  return all.filter(([is]) => is).map(([, word]) => word);
}

/** Tokens of all kinds together; each is counted under one kind. */
export function tokens(usage: Row['usage']): number {
  return Object.values(usage).reduce((a, b) => a + b, 0);
}
