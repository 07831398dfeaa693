import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { components } from '@/api';
import { did, known, who, whom } from './words';

type Event = components['schemas']['AuditEvent'];

const event = (e: Partial<Event>): Event => ({ seq: 1, at: '2026-11-20T00:00:00Z', actor: 'ana@company.com', actor_id: 'usr_A', action: 'user.update', subject: 'usr_B', prev_hash: '', hash: '', ...e });
const names = { usr_A: 'Ana Berg', usr_B: 'Bo', team_C: 'Core', key_K: 'laptop (tp-ab…)', org_O: 'Acme', prj_P: 'Atlas' };

it('has words for every action that the server writes down', () => {
  const written = new Set<string>();
  for (const file of readdirSync('..').filter((f) => f.endsWith('.go') && !f.endsWith('_test.go'))) {
    for (const [, action] of readFileSync(`../${file}`, 'utf8').matchAll(/audit(?:Why)?\("([a-z_.]+)"|"(?=project\.member)([a-z.]+)"/g)) if (action) written.add(action);
  }
  expect(written.size).toBeGreaterThan(30);
  expect([...written].filter((action) => !known.includes(action))).toEqual([]);
});

it('says who did it, now or as it was recorded', () => {
  expect(who(event({}), names)).toBe('Ana Berg');
  expect(who(event({ actor_id: 'usr_gone' }), names)).toBe('ana@company.com');
  expect(who(event({ actor_id: undefined, actor: 'system' }), names)).toBe('Alfred');
});

it('says what was done, and of a person what became of them', () => {
  expect(did(event({ changes: [{ field: 'status', before: 'active', after: 'suspended' }] }))).toBe('suspended a user');
  expect(did(event({ changes: [{ field: 'personal_quota', before: 1, after: 2 }] }))).toBe("changed a user's quota");
  expect(did(event({ changes: [{ field: 'name' }, { field: 'email' }] }))).toBe('changed a user');
  expect(did(event({ action: 'rocket.launch' }))).toBe('rocket.launch');
});

it('says to whom or what, and of what is gone its id', () => {
  expect(whom(event({}), names)).toBe('Bo');
  expect(whom(event({ subject: 'usr_gone' }), names)).toBe('usr_gone');
  expect(whom(event({ action: 'member.put', subject: 'team_C', after: { user_id: 'usr_B' } }), names)).toBe('Bo · Core');
  expect(whom(event({ action: 'key.revoke', subject: 'key_K', before: { user_id: 'usr_B' } }), names)).toBe('laptop (tp-ab…) · Bo');
  expect(whom(event({ action: 'project.member.put', subject: 'prj_P', after: { user_id: 'usr_B' } }), names)).toBe('Bo · Atlas');
  expect(whom(event({ action: 'limit.put', subject: 'model:gpt-4o:mini' }), names)).toBe('model gpt-4o:mini');
  expect(whom(event({ action: 'limit.put', subject: 'team:team_C' }), names)).toBe('team Core');
  expect(whom(event({ action: 'limit.put', subject: 'organization:org_O' }), names)).toBe('Acme');
  expect(whom(event({ action: 'transfer.create', subject: 'trf_1', after: { sender_id: 'usr_A', recipient_id: 'usr_B' } }), names)).toBe('Bo');
});
