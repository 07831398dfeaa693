import { definePage } from '@/pages';

export default definePage({
  name: 'user',
  path: '/users/$user',
  title: 'User',
  need: 'team admin',
  under: '/users',
  sample: (world) => '/users/' + world.user,
  load: () => import('./detail/User'),
});
