import { definePage } from '@/pages';

export default definePage({
  name: 'explain',
  path: '/explain/$decision',
  title: 'Explain',
  need: 'member',
  under: '/requests',
  sample: (world) => `/explain/${world.decision}`,
  load: () => import('./Explain'),
});
