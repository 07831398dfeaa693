import { absolute, exact } from '@/format';
import type { Decision } from './Explain';

/** What happened, in a word; a refusal that passes by itself says so. */
export function outcomeOf(d: Pick<Decision, 'allowed' | 'retry'>): string {
  if (d.allowed) return 'allowed';
  return d.retry ? 'refused, try again' : 'refused';
}

/** What an admin needs to look at it, as text without any secret. */
export function forSupport(d: Decision, address: string): string {
  const lines = [
    `${outcomeOf(d)}${d.code ? ` (${d.code})` : ''}: ${d.title}`,
    d.detail,
    `at ${absolute(d.at, d.tz)}`,
    `who ${d.person.email}, key ${d.key_prefix ?? d.key}`,
    `model ${d.model || '–'}, priority ${d.priority}, ${exact(d.want)} ${d.unit} asked, ${exact(d.need)} needed`,
    ...d.checks.map((c) => `[${c.outcome}] ${c.title}: ${c.detail}`),
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
