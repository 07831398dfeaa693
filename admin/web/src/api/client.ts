import createFetchClient, { type Middleware } from 'openapi-fetch';
import createQueryClient from 'openapi-react-query';
import { Problem, problemOf } from './problem';
import type { paths } from './schema.gen';

/** Told when an answer says that nobody is signed in any more. */
export const sessionEnded = new EventTarget();

const rules: Middleware = {
  onRequest({ request }) {
    // A POST that the network swallowed may be sent again by the browser; with a key it counts once.
    if (request.method === 'POST' && !request.headers.has('Idempotency-Key') && !request.url.includes('/v1/auth/')) {
      request.headers.set('Idempotency-Key', newKey());
    }
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok || response.status === 304) return undefined;
    if (response.status === 401 && !request.url.includes('/v1/auth/')) sessionEnded.dispatchEvent(new Event('ended'));
    throw await problemOf(response);
  },
  onError({ error }) {
    if (error instanceof Problem || (error instanceof DOMException && error.name === 'AbortError')) return undefined;
    return Problem.unreachable();
  },
};

/** The API, typed by its document. An answer that is not 2xx is thrown as a Problem. */
export const client = createFetchClient<paths>({ baseUrl: location.origin, credentials: 'same-origin', fetch: (request) => globalThis.fetch(request), querySerializer: { array: { style: 'form', explode: false } } });
client.use(rules);

/** The same as hooks: `api.useQuery('get', '/v1/users/me')`, `api.useMutation('post', …)`. */
export const api = createQueryClient(client);

/** A key for one attempt of a person. Keep it while they retry, take a new one for the next thing they do. */
export function newKey(): string {
  return crypto.randomUUID();
}
