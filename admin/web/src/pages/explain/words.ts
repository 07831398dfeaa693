import type { components } from '@/api';
import { absolute, exact, number } from '@/format';

export type Decision = components['schemas']['DecisionExplained'];
export type Check = components['schemas']['DecisionCheck'];
export type Pass = components['schemas']['Counterfactual'];

/** What happened, in a word; a refusal that passes by itself says so. */
export function outcomeOf(d: Pick<Decision, 'allowed' | 'retry'>): string {
  if (d.allowed) return 'allowed';
  return d.retry ? 'refused, try again' : 'refused';
}

/** What happened, in a sentence: what was needed, what there was, and until when. */
export function inWords(d: Decision): string {
  const counted = !d.allowed && !d.retry && d.need > 0 && d.limit > 0 && d.resets_at;
  if (!counted) return d.detail;
  const lowered = d.priority_lowered ? ` The priority was lowered to ${d.priority}, the highest that counts.` : '';
  return `This request needs at least ${number(d.need)} ${d.unit}, and ${number(Math.max(0, d.remaining))} of ${number(d.limit)} are left. Resets ${absolute(d.resets_at!, d.tz)}.${lowered}`;
}

/** How one check stood. */
export function standing(c: Check): string {
  if (c.rate !== null) return `${number(c.rate)} per minute.`;
  if (c.left === null || c.limit === null) return c.detail;
  const held = c.held ? `, ${number(c.held)} held by requests in flight` : '';
  return `${number(Math.max(0, c.left))} of ${number(c.limit)} left${held}.`;
}

/** What would have passed. */
export function passing(p: Pass, unit: string): string {
  return p.kind === 'credits' && p.credits !== undefined ? `with ${number(p.credits)} more ${unit} in this window` : p.detail;
}

/** What an admin needs to look at it, as text without any secret. */
export function forSupport(d: Decision, address: string): string {
  const lines = [
    `${outcomeOf(d)}${d.code ? ` (${d.code})` : ''}: ${d.title}`,
    d.detail,
    `at ${absolute(d.at, d.tz)}`,
    `who ${d.person.email}, key ${d.key_prefix ?? d.key}`,
    `model ${d.model || '–'}, priority ${d.priority}, ${exact(d.want)} ${d.unit} asked, ${exact(d.need)} needed`,
    ...d.checks.map((c) => `[${c.outcome}] ${c.title}: ${standing(c)}`),
    `decision ${d.id}, request ${d.request_id}`,
    address,
  ];
  return lines.filter(Boolean).join('\n');
}

/** A message to somebody who can give more, written so far. */
export function askMail(d: Decision, whom: { name: string; email: string }, address: string): string {
  const more = d.passes.find((p) => p.kind === 'credits')?.credits;
  const subject = 'More credits, please';
  const body = [
    `Hello ${whom.name},`,
    '',
    `a request of mine to ${d.model || 'a model'} was refused: ${d.title}. ${d.detail}`,
    more !== undefined ? `${exact(more)} more ${d.unit} would have been enough.` : '',
    '',
    `Here is why: ${address}`,
  ]
    .filter((line, i, all) => line !== '' || all[i - 1] !== '')
    .join('\n');
  return `mailto:${encodeURIComponent(whom.email)}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}
