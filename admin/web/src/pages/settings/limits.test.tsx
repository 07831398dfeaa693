import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { answering, owner, show } from '@/testing/render';
import { effect, idOf, parseId } from './limits';
import Settings from './Settings';

vi.setConfig({ testTimeout: 60_000 }); // a drawer of many fields in jsdom, on a machine that does much else
const soon = { timeout: 20_000 };
const may = { ...owner, permissions: new Set(['putLimits']) };

describe('limits', () => {
  it('are set from the drawer, which says what happens', async () => {
    const asked = answering({ 'GET /v1/admin/limits': { body: { data: [] } }, 'PUT /v1/admin/limits': { body: { data: [] } } });
    const { user } = await show(<Settings />, { session: may, at: '/?part=limits&open=new' });
    const drawer = await screen.findByRole('dialog', {}, soon);
    await user.type(await within(drawer).findByLabelText('Allows (credits per window)', {}, soon), '50000');
    expect(drawer).toHaveTextContent('Requests are refused within a second once what was used in this window reaches it.');
    await user.click(within(drawer).getByRole('button', { name: 'Set limit' }));
    await waitFor(() => expect(asked.find((a) => a.method === 'PUT')?.body).toEqual({ data: [{ scope: 'organization', metric: 'credits', mode: 'enforce', credits: 50000, fail_mode: null }] }));
  });

  it('begin in shadow mode for whoever comes from the first steps, and enforced otherwise', async () => {
    const asked = answering({ 'GET /v1/admin/limits': { body: { data: [] } }, 'PUT /v1/admin/limits': { body: { data: [] } } });
    const { user } = await show(<Settings />, { session: may, at: '/?part=limits&open=new&mode=shadow' });
    let drawer = await screen.findByRole('dialog', {}, soon);
    await user.type(await within(drawer).findByLabelText('Allows (credits per window)', {}, soon), '7');
    await user.click(within(drawer).getByRole('button', { name: 'Set limit' }));
    await waitFor(() => expect(asked.find((a) => a.method === 'PUT')?.body).toMatchObject({ data: [{ mode: 'shadow', credits: 7 }] }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await user.click(screen.getAllByRole('button', { name: 'Set limit' })[0]!);
    drawer = await screen.findByRole('dialog', {}, soon);
    expect(await within(drawer).findByRole('radio', { name: 'Enforce' }, soon)).toBeChecked();
  });

  it('say what one would be for when there is none', async () => {
    answering({ 'GET /v1/admin/limits': { body: { data: [] } } });
    await show(<Settings />, { session: may, at: '/?part=limits' });
    expect(await screen.findByText('No limit is set', {}, soon)).toBeInTheDocument();
  });
});

describe('a limit', () => {
  it('is named in the address, whatever its subject holds', () => {
    const l = { scope: 'model', subject: 'a:b:<img src=x>', metric: 'credits' } as const;
    expect(parseId(idOf(l))).toEqual(l);
    expect(parseId('planet:credits:x')).toBeNull();
  });
  it('of nothing says that everything is refused', () => expect(effect(null, { metric: 'credits', credits: 0, mode: 'enforce' })).toMatch(/Every request that it binds is refused/));
});
