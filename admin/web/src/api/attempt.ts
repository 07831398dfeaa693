import { useRef } from 'react';
import { newKey } from './client';

/**
 * The Idempotency-Key of one thing that a person does. It stays the same while they press the button again after a failure, so
 * that it happens once; `done` takes a new one.
 */
export function useAttempt(): { headers: () => { 'Idempotency-Key': string }; done: () => void } {
  const key = useRef<string | null>(null);
  return {
    headers: () => ({ 'Idempotency-Key': (key.current ??= newKey()) }),
    done: () => {
      key.current = null;
    },
  };
}
