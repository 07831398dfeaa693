import { IconBook } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'guide',
  path: '/guide',
  title: 'User Guide',
  need: 'member',
  section: 'foot',
  order: 10,
  icon: IconBook,
  load: () => import('./Guide'),
});
