import { Button, Group, Modal, NumberInput, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { Problem, api, useAttempt, useSession } from '@/api';
import { done, Refused } from '@/components';
import { date, number } from '@/format';

interface Values {
  recipient_email: string;
  amount: number | string;
  reason: string;
}

/** Moves credits of one's own to a colleague. What was typed stays when the server says no. */
export function NewTransfer({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const queries = useQueryClient();
  const attempt = useAttempt();
  const quota = api.useQuery('get', '/v1/users/me/quota');
  const send = api.useMutation('post', '/v1/users/me/transfer');
  const available = quota.data?.available_quota;
  const unit = session.organisation.unit;
  const form = useForm<Values>({
    initialValues: { recipient_email: '', amount: '', reason: '' },
    validateInputOnBlur: true,
    validate: {
      recipient_email: (v) => (!/^[^@\s]+@[^@\s]+$/.test(v.trim()) ? 'Enter the e-mail address of a colleague.' : v.trim().toLowerCase() === session.user.email.toLowerCase() ? 'That is you. Enter the address of a colleague.' : null),
      amount: (v) => (v === '' || !(Number(v) >= 1) ? 'Enter 1 credit or more.' : available !== undefined && Number(v) > available ? `You have ${number(available)} ${unit} available.` : null),
    },
  });
  const submit = form.onSubmit(async (v) => {
    const to = v.recipient_email.trim();
    try {
      await send.mutateAsync({ body: { recipient_email: to, amount: Number(v.amount), reason: v.reason.trim() || undefined }, headers: attempt.headers() } as never);
      done(`Moved ${number(Number(v.amount))} ${unit} to ${to}.`);
      void queries.invalidateQueries({ predicate: (q) => /^\/v1\/(users\/me|admin\/transfers)/.test(String(q.queryKey[1] ?? '')) });
      onClose();
    } catch (e) {
      // A refusal of what was asked: the next press is another attempt. A network that failed is the same one.
      if (e instanceof Problem && !e.transient) attempt.done();
      if (e instanceof Problem && e.param && e.param in form.values) form.setFieldError(e.param, e.message);
    }
  });
  const error: unknown = send.error;
  const inForm = error instanceof Problem && error.param !== null && error.param in form.values;
  const amount = Number(form.values.amount);
  return (
    <Modal opened onClose={onClose} title="New transfer" size={460} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput label="Recipient" description="The e-mail address that your colleague is known by here." placeholder="colleague@company.com" type="email" required data-autofocus {...form.getInputProps('recipient_email')} />
          <NumberInput
            label="Credits"
            description={available === undefined ? 'From your own quota.' : `From your own quota: ${number(available)} ${unit} are available.${session.window.end ? ` They hold until ${date(session.window.end, session.window.zone)}.` : ''}`}
            min={1}
            allowNegative={false}
           
            required
            {...form.getInputProps('amount')}
          />
          <Textarea label="Reason" description="Your colleague and the audit log see it." maxLength={500} autosize minRows={2} placeholder="Project deadline support" {...form.getInputProps('reason')} />
          {error !== null && !inForm && <Refused error={error} />}
          <Group justify="space-between" gap="xs">
            <span className="soft num" aria-live="polite">
              {available !== undefined && amount >= 1 && amount <= available ? `${number(available - amount)} stay with you` : ''}
            </span>
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={send.isPending}>
                {amount >= 1 ? `Move ${number(amount)} credits` : 'Move credits'}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
