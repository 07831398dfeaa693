import { screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../api/problem';
import { show } from '../testing/render';
import { Confirm, Credits, ErrorState, KeyOnce, LimitBar, curlOf } from '.';
import { csv } from './csv';

const broken = new Problem({ status: 503, code: 'unavailable', message: 'The stores did not answer in time.', requestId: 'req_1' });

describe('the limit bar', () => {
  it.each([
    [{ used: 3200, held: 900, limit: 10_000 }, '3,200 credits used, 900 held, of 10,000, 5,900 free'],
    [{ used: 12_400, held: 300, limit: 10_000 }, '12,400 credits used, 300 held, of 10,000, 2,700 over'],
    [{ used: 50, limit: null }, '50 credits used, no limit'],
    [{ used: null, limit: 100 }, 'used unknown, of 100'],
    [{ used: 0, limit: 0 }, '0 credits used, of 0, 0 free'],
  ])('says its numbers: %j', async (props, said) => {
    await show(<LimitBar {...props} label="Quota" />);
    expect(screen.getByRole('meter', { name: 'Quota' })).toHaveAttribute('aria-valuetext', said);
  });
});

it('shows the exact figure behind a short one', async () => {
  const { user } = await show(<Credits value={1_240_000.25} unit="credits" />);
  await user.hover(screen.getByText('1.24 M'));
  expect(await screen.findByText('1,240,000.25 credits')).toBeInTheDocument();
});

it('says what failed, with the request id, and tries again', async () => {
  const retry = vi.fn();
  const { user } = await show(<ErrorState error={broken} what="the people" retry={retry} />);
  expect(screen.getByRole('alert')).toHaveTextContent('Could not load the people');
  expect(screen.getByText('req_1')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(retry).toHaveBeenCalledOnce();
});

it('takes an operation that is not built for no fault', async () => {
  await show(<ErrorState error={new Problem({ status: 501, code: 'not_built', message: '' })} what="the leaderboard" />);
  expect(screen.getByRole('alert')).toHaveTextContent('does not have the leaderboard yet');
});

it('stays open with the reason when the server says no', async () => {
  const onClose = vi.fn();
  const { user } = await show(<Confirm opened onClose={onClose} title="Delete Ada?" consequences="Keys stop." verb="Delete user" acknowledge="I understand" onConfirm={() => Promise.reject(broken)} />);
  const act = screen.getByRole('button', { name: 'Delete user' });
  expect(act).toBeDisabled();
  await user.click(screen.getByLabelText('I understand'));
  await user.click(act);
  expect(await screen.findByText(/The stores did not answer in time/)).toBeInTheDocument();
  expect(onClose).not.toHaveBeenCalled();
});

it('lets nobody pass a key that is shown once without saying that it is saved', async () => {
  const onDone = vi.fn();
  const { user } = await show(<KeyOnce value="tp-secret" owner="Ada" onDone={onDone} />);
  expect(screen.getByText('tp-secret')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Done' })).toBeDisabled();
  await user.click(screen.getByLabelText('I have saved it'));
  await user.click(screen.getByRole('button', { name: 'Done' }));
  expect(onDone).toHaveBeenCalledOnce();
});

it('writes curl that a shell reads as it was meant', () => {
  expect(curlOf({ path: '/v1/admin/users', query: { q: "O'Brien & co", cursor: undefined } }, 'http://localhost:8000')).toBe(
    `curl 'http://localhost:8000/v1/admin/users?q=O%27Brien+%26+co' \\\n  -H "Authorization: Bearer $ALFRED_API_KEY"`,
  );
  expect(curlOf({ method: 'POST', path: '/v1/x', body: { a: "it's" } }, '')).toContain(`-d '{"a":"it'\\''s"}'`);
});

it('writes CSV that a spreadsheet does not run', () => {
  expect(csv(['Name', 'Used'], [['=HYPERLINK("x")', -5], ['a "b", c', null]])).toBe(`Name,Used\r\n"'=HYPERLINK(""x"")",-5\r\n"a ""b"", c",\r\n`);
});
