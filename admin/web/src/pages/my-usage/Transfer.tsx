import { Button, Group, Modal, NumberInput, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { Problem, api, useAttempt } from '@/api';
import { done, Refused } from '@/components';
import { number } from '@/format';

interface Values {
  recipient: string;
  amount: number | string;
  reason: string;
}

/** Moves credits of mine to a colleague. What was typed stays when the server says no. */
export function Transfer({ opened, onClose, available, unit }: { opened: boolean; onClose: () => void; available?: number; unit: string }) {
  const queries = useQueryClient();
  const attempt = useAttempt();
  const send = api.useMutation('post', '/v1/users/me/transfer');
  const form = useForm<Values>({
    initialValues: { recipient: '', amount: '', reason: '' },
    validateInputOnBlur: true,
    validate: {
      recipient: (v) => (/^[^@\s]+@[^@\s]+$/.test(v.trim()) ? null : 'Enter the e-mail address of a colleague.'),
      amount: (v) => {
        const n = Number(v);
        if (v === '' || !(n >= 1)) return 'Enter 1 credit or more.';
        return available !== undefined && n > available ? `You have ${number(available)} ${unit} available.` : null;
      },
    },
  });
  const close = () => {
    send.reset();
    form.reset();
    attempt.done();
    onClose();
  };
  const submit = form.onSubmit(async (v) => {
    const amount = Number(v.amount);
    try {
      await send.mutateAsync({ body: { recipient_email: v.recipient.trim(), amount, reason: v.reason.trim() || undefined }, headers: attempt.headers() } as never);
      done(`Moved ${number(amount)} ${unit} to ${v.recipient.trim()}.`);
      close();
      void queries.invalidateQueries({ predicate: (q) => typeof q.queryKey[1] === 'string' && q.queryKey[1].startsWith('/v1/users/me') });
    } catch (e) {
      // A refusal of what was asked: the next press is another attempt. A network that failed is the same one.
      if (e instanceof Problem && !e.transient) attempt.done();
      if (e instanceof Problem && e.param === 'recipient_email') form.setFieldError('recipient', e.message);
      if (e instanceof Problem && e.param === 'amount') form.setFieldError('amount', e.message);
    }
  });
  const inForm = send.error instanceof Problem && (send.error.param === 'recipient_email' || send.error.param === 'amount');
  const amount = Number(form.values.amount);
  return (
    <Modal opened={opened} onClose={close} title="Transfer credits" size={460} styles={{ title: { fontWeight: 600, fontSize: 16 } }}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput label="Recipient" description="The e-mail address that your colleague is known by here." placeholder="colleague@company.com" type="email" required data-autofocus {...form.getInputProps('recipient')} />
          <NumberInput label="Credits" description={available === undefined ? undefined : `You have ${number(available)} available.`} min={1} allowNegative={false} required {...form.getInputProps('amount')} />
          <Textarea label="Reason" description="Your colleague and the audit log see it." maxLength={500} autosize minRows={2} placeholder="Project deadline support" {...form.getInputProps('reason')} />
          {send.error !== null && !inForm && <Refused error={send.error} />}
          <Group justify="space-between" gap="xs">
            <span className="soft num">{available !== undefined && amount >= 1 && amount <= available ? `${number(available - amount)} stay with you` : ''}</span>
            <Group gap="xs">
              <Button variant="default" onClick={close}>
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
