import { describe, expect, it } from 'vitest';
import { byTag, exampleOf, fieldsOf, matching, operations, typeOf, type Document } from './document';

const doc: Document = {
  info: { title: 'Example', version: '1' },
  tags: [{ name: 'Teams', description: 'Who shares a pool.' }, { name: 'Empty' }],
  paths: {
    '/v1/teams/{team_id}': {
      parameters: [{ $ref: '#/components/parameters/TeamID' }],
      patch: {
        operationId: 'updateTeam',
        tags: ['Teams'],
        summary: 'Change a team',
        requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Team' } } } },
        responses: { '200': { description: 'As changed.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Team' } } } }, default: { description: 'A problem.' } },
      },
    },
    '/v1/users': { get: { operationId: 'listUsers', tags: ['Users'], summary: 'List people' } },
  },
  components: {
    parameters: { TeamID: { name: 'team_id', in: 'path', required: true, schema: { type: 'string' } } },
    schemas: {
      Team: {
        type: 'object',
        required: ['name', 'pool'],
        properties: {
          name: { type: 'string', description: 'What people call it.' },
          pool: { type: ['integer', 'null'], minimum: 0 },
          status: { type: 'string', enum: ['active', 'closed'] },
          parent: { $ref: '#/components/schemas/Team' },
          members: { type: 'array', items: { type: 'object', properties: { since: { type: 'string', format: 'date-time' } } } },
        },
      },
    },
  },
};

it('lists operations with the parameters of their path', () => {
  const [change, list] = operations(doc);
  expect(change).toMatchObject({ id: 'updateTeam', method: 'patch', tag: 'Teams', parameters: [{ name: 'team_id', in: 'path' }] });
  expect(change!.answers.map((a) => a.status)).toEqual(['200', 'otherwise']);
  expect(list).toMatchObject({ id: 'listUsers', parameters: [], answers: [] });
});

it('groups by tag in the order of the document, without empty groups', () => {
  expect(byTag(doc, operations(doc)).map((g) => [g.tag, g.operations.length])).toEqual([
    ['Teams', 1],
    ['Users', 1],
  ]);
});

it('finds by method, path and words', () => {
  const all = operations(doc);
  expect(matching(all, 'PATCH teams').map((o) => o.id)).toEqual(['updateTeam']);
  expect(matching(all, 'list people').map((o) => o.id)).toEqual(['listUsers']);
  expect(matching(all, '')).toHaveLength(2);
  expect(matching(all, 'zebra')).toHaveLength(0);
});

describe('a schema', () => {
  const team = { $ref: '#/components/schemas/Team' };

  it('is told in a word', () => {
    expect(typeOf(doc, team)).toBe('Team');
    expect(typeOf(doc, { type: ['integer', 'null'] })).toBe('integer or null');
    expect(typeOf(doc, { type: 'array', items: team })).toBe('list of Team');
    expect(typeOf(doc, { enum: ['a', null] })).toBe('a | null');
    expect(typeOf(doc, { type: 'string', format: 'date' })).toBe('date');
  });

  it('has its fields as rows, and one that holds itself ends', () => {
    expect(fieldsOf(doc, team).map((f) => [f.depth, f.name, f.type, f.required])).toEqual([
      [0, 'name', 'string', true],
      [0, 'pool', 'integer or null', true],
      [0, 'status', 'active | closed', false],
      [0, 'parent', 'Team', false],
      [0, 'members', 'list of object', false],
      [1, 'since', 'date-time', false],
    ]);
  });

  it('has an example of what is required', () => {
    expect(exampleOf(doc, team)).toEqual({ name: 'text', pool: 0 });
  });
});
