import type { components } from '@/api';
import { changesOf } from './changes';

type Event = components['schemas']['AuditEvent'];

/** What ids are called, by id. */
export type Names = Record<string, string>;

// What each action is, as one says it of the person who did it.
const acts: Record<string, string> = {
  'channel.create': 'added a channel for alerts',
  'channel.delete': 'removed a channel for alerts',
  'channel.test': 'sent a test to a channel',
  'channel.update': 'changed a channel for alerts',
  'debt.book': 'carried an overdraft into the next window',
  'demo.create': 'added demo data',
  'demo.delete': 'removed the demo data',
  'delivery.resend': 'sent a message again',
  'department.create': 'added a department',
  'department.update': 'changed a department',
  'job.create': 'changed many people at once',
  'key.create': 'created a key',
  'key.revoke': 'revoked a key',
  'key.rotate': 'replaced a key',
  'ledger.reconcile': 'corrected the live ledger',
  'ledger.reconcile.withdrawn': 'did not correct the live ledger after all',
  'ledger.set_aside.retry': 'tried to book an entry again',
  'limit.put': 'set a limit',
  'limit.remove': 'removed a limit',
  'member.put': 'put somebody into a team',
  'member.remove': 'took somebody out of a team',
  'onboarding.update': 'put the first steps away, or brought them back',
  'organization.update': 'changed the settings',
  'organization.window': 'let a planned window begin',
  'project.create': 'added a project',
  'project.member.put': 'put somebody into a project',
  'project.member.remove': 'took somebody out of a project',
  'project.update': 'changed a project',
  'reallocation.create': 'moved credits between budgets',
  'service_account.create': 'added a service account',
  'service_account.delete': 'deleted a service account',
  'service_account.update': 'changed a service account',
  'session.create': 'signed in',
  'session.end_all': 'signed out everywhere',
  'team.create': 'added a team',
  'team.delete': 'deleted a team',
  'team.update': 'changed a team',
  'transfer.create': 'gave credits',
  'user.create': 'added a user',
  'user.delete': 'deleted a user',
  'user.update': 'changed a user',
  'vacation.cancel': 'cancelled a release for a vacation',
  'vacation.release': 'released credits for a vacation',
  'vacation.return': 'returned what a vacation had released',
};

const statuses: Record<string, string> = { active: 'reactivated a user', suspended: 'suspended a user', on_vacation: 'sent a user on vacation' };

/** What was done, in words; an action that has none is its code. */
export function did(e: Event): string {
  if (e.action === 'user.update') {
    const changed = changesOf(e);
    const status = changed.find((c) => c.field === 'status');
    if (status && statuses[String(status.after)]) return statuses[String(status.after)]!;
    const only = changed.length === 1 ? changed[0]!.field : '';
    if (only === 'access_role') return "changed a user's role";
    if (only === 'personal_quota') return "changed a user's quota";
  }
  return acts[e.action] ?? e.action;
}

/** The actions that have words. */
export const known = Object.keys(acts);

/** Who did it: a name, the address that was recorded when there is none any more, or what acts by itself. */
export function who(e: Event, names: Names): string {
  if (!e.actor_id) return e.actor === 'bootstrap' ? 'First set-up' : e.actor === 'system' ? 'Alfred' : e.actor;
  return names[e.actor_id] ?? e.actor;
}

/** To whom or what it was done. What is gone is its id. */
export function whom(e: Event, names: Names): string {
  const of = (id: unknown) => (typeof id === 'string' && id ? (names[id] ?? id) : '');
  const record = { ...fields(e.before), ...fields(e.after) };
  const area = e.action.split('.')[0];
  if ((area === 'member' || area === 'project') && record.user_id) return `${of(record.user_id)} · ${of(e.subject)}`;
  if (area === 'key' && record.user_id) return `${of(e.subject)} · ${of(record.user_id)}`;
  if (area === 'transfer' && record.recipient_id) return of(record.recipient_id);
  if (area === 'limit') {
    const [scope, ...rest] = e.subject.split(':');
    return scope === 'organization' ? of(rest.join(':')) : `${scope} ${of(rest.join(':'))}`;
  }
  if (area === 'channel' && record.name) return String(record.name);
  return of(e.subject);
}

function fields(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
