import { IconUsers } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'users',
  path: '/users',
  title: 'Manage Users',
  need: 'team admin',
  section: 'main',
  order: 20,
  icon: IconUsers,
  uses: ['scope'],
  load: () => import('./Users'),
});
