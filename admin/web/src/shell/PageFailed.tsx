import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { ErrorState } from '../components/ErrorState';

/** A page that could not be loaded or that broke. The shell stays. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  // A chunk that is gone belongs to a version that was replaced while this tab was open.
  const stale = /dynamically imported module|Importing a module script failed/.test(error instanceof Error ? error.message : '');
  return (
    <ErrorState
      error={stale ? new Error('Alfred was updated while this page was open. Load it anew to go on.') : error}
      what="this page"
      retry={() => {
        if (stale) return location.reload();
        reset();
        void router.invalidate();
      }}
    />
  );
}
