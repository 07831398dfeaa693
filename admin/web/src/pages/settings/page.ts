import { IconSettings } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'settings',
  path: '/settings',
  title: 'Settings',
  need: 'admin',
  section: 'records',
  order: 56,
  icon: IconSettings,
  load: () => import('./Settings'),
});
