import { IconListCheck } from '@tabler/icons-react';
import { definePage } from '@/pages';

export default definePage({
  name: 'onboarding',
  path: '/onboarding',
  title: 'First steps',
  need: 'admin',
  section: 'records',
  order: 58,
  icon: IconListCheck,
  load: () => import('./Onboarding'),
});
