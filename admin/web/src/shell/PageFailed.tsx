import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { useState } from 'react';
import { ErrorState } from '../components/ErrorState';
import { PageMissing } from './lazyPage';

/** A page that could not be loaded or that broke. The shell stays. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const [trying, setTrying] = useState(false);
  const missing = error instanceof PageMissing ? error : null;
  return (
    <ErrorState
      error={missing?.cause ?? error}
      what="this page"
      retrying={trying}
      retry={() => {
        setTrying(true);
        void (missing ? missing.again() : Promise.resolve())
          .then(() => router.invalidate())
          .finally(() => {
            setTrying(false);
            reset();
          });
      }}
    />
  );
}
