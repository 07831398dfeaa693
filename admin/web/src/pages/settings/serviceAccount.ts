import type { components } from '@/api';

/** A program's account, as the API tells it. */
export type ServiceAccount = components['schemas']['ServiceAccount'];

/** What owning means, under the field that asks for the team. */
export const ownedBy = 'It is one member of this team, and each share of the pool is smaller by it.';
