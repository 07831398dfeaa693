import { Button } from '@mantine/core';
import { IconAlertTriangle, IconHammer, IconLock, IconPlugConnectedX, IconRefresh, type Icon } from '@tabler/icons-react';
import { Problem } from '../api/problem';
import { CopyButton } from './CopyButton';
import classes from './states.module.css';

interface Props {
  error: unknown;
  /** What could not be shown: "the people", "this chart". */
  what: string;
  retry?: () => void;
  retrying?: boolean;
  compact?: boolean;
}

function told(error: unknown, what: string): { icon: Icon; title: string; text: string } {
  if (error instanceof Problem) {
    if (error.status === 0) return { icon: IconPlugConnectedX, title: 'Alfred does not answer', text: error.remedy ?? '' };
    if (error.notBuilt) return { icon: IconHammer, title: `This version of Alfred does not have ${what} yet`, text: 'Nothing is wrong with your data. It appears here when the server is updated.' };
    if (error.status === 403) return { icon: IconLock, title: `You may not see ${what}`, text: error.message };
    if (error.status === 404) return { icon: IconAlertTriangle, title: error.message, text: error.remedy ?? 'It may have been deleted, or it is not yours to see.' };
    return { icon: IconAlertTriangle, title: `Could not load ${what}`, text: [error.message, error.remedy].filter(Boolean).join(' ') };
  }
  return { icon: IconAlertTriangle, title: `Could not show ${what}`, text: error instanceof Error ? error.message : String(error) };
}

/** Says what happened, why and what to do, with the id that an admin can look up. */
export function ErrorState({ error, what, retry, retrying, compact }: Props) {
  const { icon: Glyph, title, text } = told(error, what);
  // What is not there yet is no fault: there is nothing to try again and nobody to ask.
  const absent = error instanceof Problem && error.notBuilt;
  const id = error instanceof Problem && !absent ? error.requestId : null;
  return (
    <div className={classes.state} data-compact={compact || undefined} role="alert">
      <span className={classes.icon} data-bad={!absent || undefined}>
        <Glyph size={22} stroke={1.5} aria-hidden />
      </span>
      <div className={classes.title}>{title}</div>
      {text && <div className={classes.text}>{text}</div>}
      {retry && !absent && (
        <Button variant="light" size="xs" onClick={retry} loading={retrying} leftSection={<IconRefresh size={16} />}>
          Try again
        </Button>
      )}
      {id && (
        <div className={classes.id}>
          Request <span className="mono">{id}</span> <CopyButton value={id} what="request id" />
        </div>
      )}
    </div>
  );
}
