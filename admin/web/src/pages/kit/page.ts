import { definePage } from '@/pages';

export default definePage({ name: 'kit', path: '/_kit', title: 'Kit', need: 'member', dev: true, load: () => import('./Kit') });
