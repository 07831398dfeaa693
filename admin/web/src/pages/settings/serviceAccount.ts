import type { components } from '@/api';

/** A program's account, as the API tells it. */
export type ServiceAccount = components['schemas']['ServiceAccount'];
