import { IconBook } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'guide',
  path: '/guide',
  title: 'User Guide',
  need: 'member',
  section: 'foot',
  order: 80,
  icon: IconBook,
  load: () => import('./Guide'),
});
