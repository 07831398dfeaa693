import { IconArrowsExchange } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'reallocation',
  path: '/reallocation',
  title: 'Credit Reallocation',
  need: 'member',
  section: 'main',
  order: 40,
  icon: IconArrowsExchange,
  load: () => import('./Reallocation'),
});
