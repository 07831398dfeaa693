import { IconListDetails } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'requests',
  path: '/requests',
  title: 'Requests',
  need: 'member',
  section: 'records',
  order: 50,
  icon: IconListDetails,
  uses: ['scope', 'period'],
  load: () => import('./Requests'),
});
