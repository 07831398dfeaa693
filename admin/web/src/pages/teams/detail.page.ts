import { definePage } from '@/pages';

export default definePage({
  name: 'team',
  path: '/teams/$team',
  title: 'Team',
  need: 'team admin',
  under: '/teams',
  sample: (world) => `/teams/${world.team}`,
  load: () => import('./Team'),
});
