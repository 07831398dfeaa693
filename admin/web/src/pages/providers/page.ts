import { IconServer } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'providers',
  path: '/providers',
  title: 'Providers and models',
  need: 'admin',
  section: 'records',
  order: 52,
  icon: IconServer,
  load: () => import('./Providers'),
});
