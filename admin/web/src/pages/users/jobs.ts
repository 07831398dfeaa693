import { useCallback, useEffect, useState } from 'react';
import { api, newKey, type components } from '@/api';
import { usePeopleAgain } from './again';

export type Job = components['schemas']['Job'];
export type JobRow = components['schemas']['JobRow'];
type Create = components['schemas']['JobCreate'];
export type JobCreate = Omit<Create, 'dry_run'>;
export type Outcome = components['schemas']['JobOutcome'];

export function finished(job: Job | undefined): boolean {
  return job?.state === 'succeeded' || job?.state === 'failed';
}

/** form: what to do; checking: a dry run; preview: who, before it happens; running; done. */
export type Step = 'form' | 'checking' | 'preview' | 'running' | 'done';

/** Runs one thing for many people: first dry, so that everybody is seen before it happens, then in earnest. */
export function useJobFlow() {
  const again = usePeopleAgain();
  const create = api.useMutation('post', '/v1/admin/jobs');
  const [body, setBody] = useState<JobCreate | null>(null);
  const [dry, setDry] = useState<string | null>(null);
  const [real, setReal] = useState<string | null>(null);
  const [key, setKey] = useState<string | null>(null);
  const id = real ?? dry;
  const job = api.useQuery('get', '/v1/admin/jobs/{job_id}', { params: { path: { job_id: id ?? '' } } }, { enabled: id !== null, refetchInterval: (q) => (finished(q.state.data) || q.state.error ? false : 500) });
  const current = id !== null && job.data?.id === id ? job.data : undefined;
  const over = finished(current);
  const step: Step = id === null ? (create.isPending ? 'checking' : 'form') : real ? (over ? 'done' : 'running') : over ? 'preview' : 'checking';
  useEffect(() => {
    if (step === 'done') again();
  }, [step, again]);

  const check = useCallback(
    (b: JobCreate) => {
      setBody(b);
      create.mutate({ params: { header: { 'Idempotency-Key': newKey() } }, body: { ...b, dry_run: true } }, { onSuccess: (j) => setDry((j as Job).id) });
    },
    [create],
  );
  const apply = useCallback(() => {
    if (!body) return;
    // Pressed again after the network failed, it still happens once.
    const attempt = key ?? newKey();
    setKey(attempt);
    create.mutate({ params: { header: { 'Idempotency-Key': attempt } }, body: { ...body, dry_run: false } }, { onSuccess: (j) => setReal((j as Job).id) });
  }, [body, create, key]);
  /** Back to the form, with what was typed. */
  const back = useCallback(() => {
    create.reset();
    setDry(null);
    setReal(null);
    setKey(null);
  }, [create]);
  return { step, job: current, id, error: create.error ?? job.error ?? null, starting: create.isPending, check, apply, back };
}

export type JobFlow = ReturnType<typeof useJobFlow>;
