import { IconApi } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'reference',
  path: '/reference',
  title: 'API reference',
  need: 'member',
  section: 'foot',
  order: 82,
  icon: IconApi,
  load: () => import('./Reference'),
});
