import { Alert, Button, Group, Progress, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { CopyButton, ErrorState, Refused } from '@/components';
import { count, number } from '@/format';
import { Problem } from '@/api';
import { JobRows } from './JobRows';
import type { Job, JobFlow } from './jobs';
import classes from './Jobs.module.css';

/** "12 people will be changed, 3 stay as they are, 1 cannot be done." */
export function summary(job: Job, verbs: { will: string; did: string }): string {
  const parts = [`${count(job.changed, 'person', 'people')} ${job.dry_run ? verbs.will : verbs.did}`];
  if (job.unchanged > 0) parts.push(`${number(job.unchanged)} ${job.dry_run ? (job.unchanged === 1 ? 'stays as it is' : 'stay as they are') : job.unchanged === 1 ? 'was so already' : 'were so already'}`);
  if (job.failed > 0) parts.push(`${number(job.failed)} ${job.dry_run ? 'cannot be done' : 'could not be done'}`);
  return parts.join(', ') + '.';
}

/** The steps after the form: the dry run, who it would change, how far it is, what came of it. */
export function JobSteps({ flow, verbs, apply, onClose }: { flow: JobFlow; verbs: { will: string; did: string }; apply: (n: number) => ReactNode; onClose: () => void }) {
  const { step, job, error } = flow;
  if (error !== null && !job) {
    if (error instanceof Problem && error.notBuilt) return <ErrorState error={error} what="changes of many people" compact />;
    return (
      <Stack gap="md">
        <Refused error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={flow.back}>
            Back
          </Button>
        </Group>
      </Stack>
    );
  }
  if (step === 'checking' || step === 'running') {
    const part = job && job.total > 0 ? (job.done / job.total) * 100 : 0;
    return (
      <Stack gap="sm" aria-live="polite">
        <div className={classes.sum}>{step === 'checking' ? 'Looking at who it is about' : 'At work'}</div>
        <Progress value={part} striped={part === 0} animated={part === 0} aria-label={step === 'checking' ? 'Dry run' : 'Progress'} />
        <div className="soft num">{job ? `${number(job.done)} of ${number(job.total)} rows` : 'waiting for its turn'}</div>
        {step === 'running' && (
          <Group justify="space-between">
            <span className="soft">It goes on when this is closed.</span>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
          </Group>
        )}
        {step === 'checking' && (
          <Group justify="flex-end">
            <Button variant="default" onClick={flow.back}>
              Back
            </Button>
          </Group>
        )}
      </Stack>
    );
  }
  if (!job) return null;
  return (
    <Stack gap="md">
      <div className={classes.sum} role="status">
        {summary(job, verbs)}
      </div>
      {job.error && (
        <Alert color="red" variant="light" title="It stopped before the end">
          {job.error}
        </Alert>
      )}
      <JobRows key={job.id} job={job} />
      {error !== null && <Refused error={error} />}
      <Group justify="space-between" gap="xs">
        <span className="soft">
          Job <span className="mono">{job.id}</span> <CopyButton value={job.id} what="job id" />
        </span>
        <Group gap="xs">
          {step === 'preview' ? (
            <>
              <Button variant="default" onClick={flow.back} disabled={flow.starting}>
                Back
              </Button>
              <Button onClick={flow.apply} loading={flow.starting} disabled={job.changed === 0 || job.state === 'failed'}>
                {apply(job.changed)}
              </Button>
            </>
          ) : (
            <Button onClick={onClose}>Done</Button>
          )}
        </Group>
      </Group>
    </Stack>
  );
}
