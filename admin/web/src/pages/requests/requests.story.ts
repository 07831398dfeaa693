import { afterAll, describe, expect, it } from 'vitest';
import { closed, picture, violations, visit } from '../../../browser/rig';

afterAll(closed);

describe('Requests', () => {
  it('is filtered by what is on it, and one is opened: tokens, the price with its card, who paid, when, and no text', async () => {
    const v = await visit('owner');
    await v.open('/requests');
    const list = v.page.getByRole('group', { name: 'Requests' });
    const before = await list.locator('tbody tr').count();
    await v.page.getByRole('button', { name: 'Filter' }).click();
    await v.page.getByRole('menuitem', { name: 'gpt-4o', exact: true }).click();
    await v.page.getByText('Model gpt-4o').waitFor();
    await v.settled();
    expect(new URL(v.page.url()).searchParams.get('model')).toBe('gpt-4o');
    const models = await list.locator('tbody tr').allInnerTexts();
    expect(models.length).toBeGreaterThan(0);
    expect(models.length).toBeLessThan(before);
    expect(models.every((row) => row.includes('gpt-4o'))).toBe(true);

    await list.getByRole('button').first().focus();
    await v.page.keyboard.press('Enter');
    const drawer = v.page.getByRole('dialog');
    await drawer.getByText('What did it cost?').waitFor();
    await v.settled();
    for (const title of ['Who paid?', 'What was held?', 'When?']) await drawer.getByText(title).waitFor();
    await drawer.getByText(/^Rate card \d+, /).waitFor();
    await drawer.getByRole('rowheader', { name: 'Cost' }).waitFor();
    await drawer.getByRole('cell', { name: 'Output', exact: true }).waitFor();
    await drawer.getByText(/^Personal quota$|^Pool of /).first().waitFor();
    expect(await drawer.innerText()).not.toContain('credit pools, and not too short');
    expect(await violations(v.page)).toEqual([]);
    await picture(v.page, 'requests-open-light-1440');

    await drawer.getByRole('link', { name: 'Why was it allowed?' }).click();
    await v.page.getByRole('heading', { name: 'Why was this allowed?', level: 1 }).waitFor();
    v.clean();
    await v.end();
  });

  it('shows a member their own, and what was refused with the way to why', async () => {
    const v = await visit('refused');
    await v.open('/requests');
    await v.page.getByRole('radio', { name: 'Refused' }).focus();
    await v.page.keyboard.press('Space');
    await v.page.getByRole('group', { name: 'Refusals' }).getByRole('link', { name: /^Explain: / }).first().waitFor();
    expect(new URL(v.page.url()).searchParams.get('show')).toBe('refused');
    v.clean();
    await v.end();
  });
});
