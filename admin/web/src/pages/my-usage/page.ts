import { IconGauge } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'my-usage',
  path: '/my-usage',
  title: 'My usage',
  need: 'member',
  section: 'own',
  order: 70,
  icon: IconGauge,
  load: () => import('./MyUsage'),
});
