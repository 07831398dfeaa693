import { IconLayoutDashboard } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'overview',
  path: '/',
  title: 'Overview',
  need: 'team admin',
  section: 'main',
  order: 10,
  icon: IconLayoutDashboard,
  uses: ['scope', 'period'],
  load: () => import('./Overview'),
});
