import { Problem } from '../api/problem';

/** What is wrong with a key by its looks alone, or null. */
export function shaped(key: string): string | null {
  const k = key.trim();
  if (!k) return 'Enter your API key.';
  if (!k.startsWith('tp-')) return 'A key of Alfred starts with tp-. Keys of a provider do not work here.';
  if (/\s/.test(k)) return 'There is a space or a line break inside the key. Copy it again, whole.';
  return null;
}

/** Why somebody could not sign in and what they can do, by the code of the refusal. */
export function refusal(error: unknown): { title: string; remedy: string; requestId: string | null } {
  const p = error instanceof Problem ? error : null;
  const say = (title: string, remedy: string) => ({ title, remedy, requestId: p?.requestId ?? null });
  switch (p?.code) {
    case 'unreachable':
      return say('Alfred does not answer', 'The server may be stopped, or you may be off its network. Check both, then try again.');
    case 'invalid_api_key':
    case 'missing_api_key':
      return say('This key is not known here', 'Copy the whole key again: it starts with tp- and was shown once, when it was made. If it is lost, ask an admin for a new one.');
    case 'key_revoked':
    case 'api_key_revoked':
      return say('This key was revoked', 'It will not work again. Use a newer key, or ask an admin for one.');
    case 'key_expired':
    case 'api_key_expired':
      return say('This key has expired', 'Use a newer key, or ask an admin for one.');
    case 'user_suspended':
      return say('Your access is suspended', 'Your keys and your data are kept. Ask an admin why, and to make you active again.');
    default:
  }
  if (p?.status === 429) return say('Too many attempts', `Wait ${p.retryAfterSeconds ? `${p.retryAfterSeconds} seconds` : 'a minute'}, then try again with the right key.`);
  if (p && p.status >= 500) return say('Alfred cannot check keys at the moment', `${p.message} Try again in a moment.`);
  return say('You could not be signed in', p?.message ?? String(error));
}
