import { IconUsersGroup } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'teams',
  path: '/teams',
  title: 'Manage Teams',
  need: 'team admin',
  section: 'main',
  order: 30,
  icon: IconUsersGroup,
  load: () => import('./Teams'),
});
