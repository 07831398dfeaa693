import { api } from '@/api';

/** Credits by model and day of the window: one question for both charts that need it. */
export function useByModel(query: { team?: string; department?: string; window: 'current' | 'previous' }) {
  const asked = { ...query, group_by: ['model' as const], measures: ['credits' as const, 'requests' as const], interval: 'day' as const, top: 6 };
  const answer = api.useQuery('get', '/v1/admin/usage/query', { params: { query: asked } }, { placeholderData: (before) => before });
  return { answer, request: { path: '/v1/admin/usage/query', query: { ...query, group_by: 'model', measures: 'credits,requests', interval: 'day', top: 6 } } };
}
