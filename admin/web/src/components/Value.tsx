import { Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { absolute, exact, number, relative, signed, type Figure as Amount, type Instant } from '../format';
import { CopyButton } from './CopyButton';
import classes from './Value.module.css';

/** An amount: separators below a million, 1.24 M from there on with the exact figure on hover. `unit` is shown where no heading says it. */
export function Credits({ value, unit, change }: { value: Amount; unit?: string; change?: boolean }) {
  const shown = change ? signed(value) : number(value);
  const whole = exact(value);
  const body = (
    <>
      {shown}
      {unit && <span className={classes.unit}> {unit}</span>}
    </>
  );
  if (shown.replace(/^[+−]/, '') === whole.replace(/^-/, '')) return <span className="num">{body}</span>;
  return (
    <Tooltip label={`${whole} ${unit ?? ''}`}>
      <span className="num">{body}</span>
    </Tooltip>
  );
}

/** The time, told anew every ten seconds while it is shown. */
export function useNow(everyMs = 10_000): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A moment, as people say it, with the absolute time and zone on hover. */
export function Time({ at, zone, missing = 'never' }: { at: Instant; zone?: string; missing?: string }) {
  const now = useNow();
  if (at === null || at === undefined || at === '') return <span className="soft">{missing}</span>;
  return (
    <Tooltip label={absolute(at, zone)}>
      <time dateTime={new Date(at).toISOString()} className="num">
        {relative(at, now, zone)}
      </time>
    </Tooltip>
  );
}

/** An identifier. Long ones are shortened in the middle; copying gives the whole. */
export function Id({ value, short, what = 'id' }: { value: string; short?: boolean; what?: string }) {
  const text = short && value.length > 16 ? `${value.slice(0, 8)}…${value.slice(-4)}` : value;
  return (
    <span className={classes.id}>
      <span className="mono" title={text === value ? undefined : value}>
        {text}
      </span>
      <CopyButton value={value} what={what} />
    </span>
  );
}
