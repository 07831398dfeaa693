import { IconHistory } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'audit',
  path: '/audit',
  title: 'Audit',
  need: 'admin',
  section: 'records',
  order: 54,
  icon: IconHistory,
  uses: ['period'],
  load: () => import('./Audit'),
});
