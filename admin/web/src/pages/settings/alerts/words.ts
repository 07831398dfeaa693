import { IconBellOff, IconCheck, IconCircleDashed, IconClock, IconX, type Icon } from '@tabler/icons-react';
import type { components } from '@/api';

export type Channel = components['schemas']['Channel'];
export type Delivery = components['schemas']['Delivery'];
export type Alert = components['schemas']['Alert'];

interface Said {
  text: string;
  tone: 'ok' | 'warn' | 'bad' | 'plain';
  icon: Icon;
}

export const channelStates: Record<Channel['state'], Said> = {
  working: { text: 'works', tone: 'ok', icon: IconCheck },
  failing: { text: 'fails', tone: 'bad', icon: IconX },
  untested: { text: 'not tested', tone: 'plain', icon: IconCircleDashed },
  off: { text: 'off', tone: 'warn', icon: IconBellOff },
};

export const deliveryStates: Record<Delivery['state'], Said> = {
  delivered: { text: 'arrived', tone: 'ok', icon: IconCheck },
  pending: { text: 'on its way', tone: 'warn', icon: IconClock },
  failed: { text: 'given up', tone: 'bad', icon: IconX },
  off: { text: 'not sent', tone: 'plain', icon: IconBellOff },
};

/** What a channel is told of: "alerts from 90 %, transfers". */
export function hears(c: Pick<Channel, 'from_percent' | 'transfers'>): string {
  const alerts = c.from_percent === 0 ? '' : `alerts ${c.from_percent === 100 ? 'at' : 'from'} ${c.from_percent} %`;
  return [alerts, c.transfers && 'transfers'].filter(Boolean).join(', ') || 'nothing';
}

/** From which threshold on a channel may be told, whatever thresholds there are now. */
export function froms(thresholds: readonly number[], now: number): { value: string; label: string }[] {
  const all = [...new Set([...thresholds, now, 100])].filter((p) => p > 0).sort((a, b) => a - b);
  return [...all.map((p) => ({ value: String(p), label: p === 100 ? 'At 100 %, used up' : `From ${p} %` })), { value: '0', label: 'No alerts' }];
}

const kinds: Record<Alert['kind'], string> = { pool: 'Pool of', org: 'Cap of', dept: 'Cap of department', team: 'Cap of team', user: 'Cap of', key: 'Cap of key', project: 'Cap of project', model: 'Cap of model' };

/** What people call a budget: "Pool of Engineering". */
export const budgetName = (a: Alert) => `${kinds[a.kind]} ${a.name}`;

/** Where a budget is looked at. */
export function budgetPage(a: Alert): string {
  if (a.kind === 'pool' || a.kind === 'team') return `/teams/${a.subject}`;
  return a.kind === 'user' ? `/users/${a.subject}` : '/settings?part=limits';
}
