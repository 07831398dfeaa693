import { Tooltip } from '@mantine/core';
import { IconArrowBigDownLine, IconBan, IconBeach, IconBuilding, IconCalendar, IconCheck, IconFlask, IconUser, IconUsers, type Icon } from '@tabler/icons-react';
import { absolute, resets, windowName, type Window } from '../format';
import classes from './Badges.module.css';
import { useNow } from './Value';

/** The window that figures are of: "Nov 2026 · resets in 9 days · Europe/Oslo". */
export function WindowBadge({ window: w }: { window: Window }) {
  const now = useNow(60_000);
  return (
    <Tooltip label={`From ${absolute(w.start, w.zone)} to ${w.end ? absolute(w.end, w.zone) : 'no end'}`} multiline maw={360}>
      <span className={classes.window} tabIndex={0}>
        <IconCalendar size={14} aria-hidden />
        {windowName(w)} · {resets(w, now)} · {w.zone}
      </span>
    </Tooltip>
  );
}

const sources: Record<string, { icon: Icon; text: string }> = {
  user: { icon: IconUser, text: 'set for this person' },
  team: { icon: IconUsers, text: 'from team default' },
  department: { icon: IconUsers, text: 'from department' },
  organization: { icon: IconBuilding, text: 'from organisation default' },
  default: { icon: IconArrowBigDownLine, text: 'from default' },
};

interface Source {
  level: string;
  name?: string;
}

/** Where a limit comes from, in words: "from team default: Engineering". */
export function sourceName(source: Source): string {
  const { text } = sources[source.level] ?? sources.default!;
  return source.name && source.level !== 'user' && source.level !== 'organization' ? `${text}: ${source.name}` : text;
}

/** Where a limit comes from: "from team default". */
export function SourceBadge({ source }: { source: Source }) {
  const { icon: Glyph } = sources[source.level] ?? sources.default!;
  return (
    <span className={classes.source}>
      <Glyph size={13} aria-hidden /> {sourceName(source)}
    </span>
  );
}

const states = {
  active: { text: 'Active', icon: IconCheck, tone: 'ok' },
  on_vacation: { text: 'On Vacation', icon: IconBeach, tone: 'warn' },
  suspended: { text: 'Suspended', icon: IconBan, tone: 'bad' },
  revoked: { text: 'Revoked', icon: IconBan, tone: 'bad' },
} as const;

/** A person's or a key's status, in the guide's words, with an icon. */
export function StatusBadge({ status }: { status: keyof typeof states | (string & {}) }) {
  const s = states[status as keyof typeof states];
  return s ? <Tone tone={s.tone} icon={s.icon}>{s.text}</Tone> : <Tone>{status}</Tone>;
}

/** Part of the demo data. */
export function DemoBadge({ demo }: { demo?: boolean }) {
  return demo ? <Tone icon={IconFlask}>Demo</Tone> : null;
}

/** A word in a colour that means something, with the icon that says it without colour. */
export function Tone({ tone = 'plain', icon: Glyph, children }: { tone?: 'ok' | 'warn' | 'bad' | 'accent' | 'plain'; icon?: Icon; children: React.ReactNode }) {
  return (
    <span className={classes.tone} data-tone={tone}>
      {Glyph && <Glyph size={13} aria-hidden />}
      {children}
    </span>
  );
}
