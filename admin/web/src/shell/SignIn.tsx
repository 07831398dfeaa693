import { Alert, Anchor, Button, PasswordInput } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { useSignIn } from '../api/session';
import { Mark } from './Mark';
import { refusal, shaped } from './refusal';
import classes from './SignIn.module.css';

/** Takes a key and gives it to the server for a cookie that scripts cannot read. The key is kept nowhere. */
export function SignIn({ ended }: { ended: boolean }) {
  const signIn = useSignIn();
  const [key, setKey] = useState('');
  const [hint, setHint] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const said = signIn.error ? refusal(signIn.error) : null;
  useEffect(() => {
    if (signIn.isError) input.current?.focus();
  }, [signIn.isError, signIn.error]);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const wrong = shaped(key);
    setHint(wrong);
    if (wrong) {
      input.current?.focus();
      return;
    }
    signIn.mutate(key.trim());
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <Mark size={40} />
        <h1 className={classes.title}>Sign in to Alfred</h1>
        <p className="soft">Enter your API key. It is exchanged for a short session and kept nowhere in this browser.</p>
        {ended && !said && (
          <Alert color="yellow" variant="light" icon={<IconInfoCircle size={18} />} title="Your session has ended">
            Sign in again and you are back where you were.
          </Alert>
        )}
        <form onSubmit={submit} noValidate>
          <PasswordInput
            ref={input}
            label="API key"
            placeholder="tp-…"
            size="md"
            value={key}
            onChange={(e) => {
              setKey(e.currentTarget.value);
              setHint(null);
            }}
            error={hint}
            autoFocus
            autoComplete="current-password"
            spellCheck={false}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
            classNames={{ innerInput: 'mono' }}
          />
          {said && (
            <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={said.title} className={classes.refused}>
              <div>{said.remedy}</div>
              {said.requestId && <div className={`mono ${classes.request}`}>{said.requestId}</div>}
            </Alert>
          )}
          <Button type="submit" size="md" fullWidth mt={16} loading={signIn.isPending}>
            Sign in
          </Button>
        </form>
        <p className={`soft ${classes.help}`}>
          No key yet? An admin creates one under Manage Users. The first admin is made with one command: see <Anchor href="/static/api" inherit>the API</Anchor>.
        </p>
      </div>
    </main>
  );
}
