import { Skeleton, Tooltip } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import classes from './Figure.module.css';
import { WaitingText } from './Waiting';

interface Props {
  /** What it is: "Used". */
  label: string;
  /** The figure, large. */
  value: ReactNode;
  /** Its unit or its whole: "of 8 M credits". Given while loading too where it is known. */
  of?: ReactNode;
  /** What it means, below it: "41 requests in flight". */
  note?: ReactNode;
  /** A limit bar or the like under the figure, given while loading too: its place is kept. */
  children?: ReactNode;
  /** Something is off; said by an icon and a word in `note` too. */
  tone?: 'warn' | 'bad' | 'ok';
  /** How the figure comes about, on an (i). */
  hint?: string;
  loading?: boolean;
  /** The rows behind it. */
  to?: string;
}

/** One figure with its unit and what it means. */
export function Figure({ label, value, of, note, children, tone, hint, loading, to }: Props) {
  return (
    <section className={classes.card} data-tone={tone} aria-label={label} aria-busy={loading || undefined}>
      <div className={classes.label}>
        <span>{label}</span>
        {hint && (
          <Tooltip label={hint} multiline w={260}>
            <button type="button" className={classes.hint} aria-label={`About ${label}: ${hint}`}>
              <IconInfoCircle size={14} />
            </button>
          </Tooltip>
        )}
      </div>
      <div className={classes.value}>
        {loading ? <WaitingText chars={7} /> : to ? <Link to={to as '/'}>{value}</Link> : value}
        {of && <span className={classes.of}>{of}</span>}
      </div>
      {children && <div className={classes.bar}>{loading ? <Skeleton height={8} radius={4} /> : children}</div>}
      <div className={classes.note}>{loading ? <WaitingText chars={16} /> : note}</div>
    </section>
  );
}

/** A strip of three to five figures. */
export function Figures({ children }: { children: ReactNode }) {
  return <div className={classes.strip}>{children}</div>;
}
