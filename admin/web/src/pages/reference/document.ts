/** As much of an OpenAPI 3.1 document as the reference shows. */
export interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, PathItem>;
  components?: { schemas?: Record<string, Schema>; parameters?: Record<string, Parameter>; responses?: Record<string, Response>; headers?: Record<string, unknown> };
}

type Ref = { $ref: string };
type PathItem = { parameters?: (Parameter | Ref)[] } & Partial<Record<Method, RawOperation>>;

export const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof methods)[number];

interface RawOperation {
  operationId: string;
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: (Parameter | Ref)[];
  requestBody?: { required?: boolean; content?: Content };
  responses?: Record<string, Response | Ref>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  required?: boolean;
  description?: string;
  schema?: Schema | Ref;
}

type Content = Record<string, { schema?: Schema | Ref; example?: unknown }>;

interface Response {
  description?: string;
  content?: Content;
}

export interface Schema {
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema | Ref>;
  required?: string[];
  items?: Schema | Ref;
  allOf?: (Schema | Ref)[];
  oneOf?: (Schema | Ref)[];
  anyOf?: (Schema | Ref)[];
  additionalProperties?: boolean | Schema | Ref;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

export interface Operation {
  id: string;
  method: Method;
  path: string;
  tag: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  body?: { required: boolean; type: string; schema?: Schema | Ref; example?: unknown };
  answers: { status: string; description: string; type?: string; schema?: Schema | Ref }[];
}

/** A field of a body, as a row: nested fields carry their path. */
export interface Field {
  name: string;
  depth: number;
  type: string;
  required: boolean;
  description: string;
}

/** Follows a reference inside the document; anything else is returned as it is. */
export function resolve<T extends object>(doc: Document, value: T | Ref): T {
  let at: unknown = value;
  for (let hops = 0; hops < 8 && at && typeof at === 'object' && '$ref' in at; hops++) {
    at = (at as Ref).$ref
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((o, key) => (o as Record<string, unknown> | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], doc);
  }
  return (at ?? {}) as T;
}

/** Every operation, in the order of the document. */
export function operations(doc: Document): Operation[] {
  const all: Operation[] = [];
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of methods) {
      const o = item[method];
      if (!o) continue;
      const body = o.requestBody?.content && Object.entries(o.requestBody.content)[0];
      all.push({
        id: o.operationId,
        method,
        path,
        tag: o.tags?.[0] ?? 'Other',
        summary: o.summary ?? o.operationId,
        description: o.description?.trim() ?? '',
        parameters: [...(item.parameters ?? []), ...(o.parameters ?? [])].map((p) => resolve(doc, p)),
        body: body && { required: o.requestBody?.required ?? false, type: body[0], schema: body[1].schema, example: body[1].example },
        answers: Object.entries(o.responses ?? {}).map(([status, r]) => {
          const answer = resolve(doc, r);
          const content = answer.content && Object.entries(answer.content)[0];
          return { status: status === 'default' ? 'otherwise' : status, description: answer.description ?? '', type: content?.[0], schema: content?.[1].schema };
        }),
      });
    }
  }
  return all;
}

/** Operations by tag, in the order of the document's list of tags, then of appearance. */
export function byTag(doc: Document, of: readonly Operation[]): { tag: string; description: string; operations: Operation[] }[] {
  const names = [...new Set([...(doc.tags ?? []).map((t) => t.name), ...of.map((o) => o.tag)])];
  return names
    .map((tag) => ({ tag, description: doc.tags?.find((t) => t.name === tag)?.description ?? '', operations: of.filter((o) => o.tag === tag) }))
    .filter((g) => g.operations.length);
}

/** The operations whose address, name or words have every word of the query. */
export function matching(of: readonly Operation[], query: string): Operation[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return of.filter((o) => {
    const text = `${o.method} ${o.path} ${o.id} ${o.tag} ${o.summary} ${o.description}`.toLowerCase();
    return words.every((w) => text.includes(w));
  });
}

/** A schema's type in a word or two: "string · date-time", "list of User", "active or suspended". */
export function typeOf(doc: Document, value: Schema | Ref | undefined): string {
  if (!value) return 'anything';
  if ('$ref' in value) {
    const target = resolve<Schema>(doc, value);
    const simple = !target.properties && !target.allOf && !target.oneOf && !target.anyOf;
    return simple ? typeOf(doc, target) : (value.$ref.split('/').at(-1) ?? 'object');
  }
  if (value.const !== undefined) return JSON.stringify(value.const);
  if (value.enum) return value.enum.map((v) => (v === null ? 'null' : String(v))).join(' | ');
  const choices = value.oneOf ?? value.anyOf;
  if (choices) return choices.map((c) => typeOf(doc, c)).join(' or ');
  if (value.allOf?.length === 1) return typeOf(doc, value.allOf[0]);
  const types = [value.type ?? (value.properties || value.allOf ? 'object' : 'anything')].flat();
  return types
    .map((t) => {
      if (t === 'array') return `list of ${typeOf(doc, value.items)}`;
      return t === 'string' && value.format ? value.format : t;
    })
    .join(' or ');
}

/** The fields of a body, nested ones below theirs. A type that holds itself is not followed twice. */
export function fieldsOf(doc: Document, value: Schema | Ref | undefined, depth = 0, seen: readonly string[] = []): Field[] {
  if (!value || depth > 4) return [];
  if ('$ref' in value) {
    return seen.includes(value.$ref) ? [] : fieldsOf(doc, resolve(doc, value), depth, [...seen, value.$ref]);
  }
  if ([value.type].flat().includes('array')) return fieldsOf(doc, value.items, depth, seen);
  const parts = value.allOf ?? value.oneOf ?? value.anyOf;
  if (parts) return parts.flatMap((p) => fieldsOf(doc, p, depth, seen));
  return Object.entries(value.properties ?? {}).flatMap(([name, property]) => {
    const schema = resolve<Schema>(doc, property);
    const own = '$ref' in property ? '' : (property.description ?? '');
    return [
      { name, depth, type: typeOf(doc, property), required: value.required?.includes(name) ?? false, description: own || schema.description || '' },
      ...fieldsOf(doc, property, depth + 1, seen),
    ];
  });
}

/** An example body: the document's own, else built from the required fields. */
export function exampleOf(doc: Document, value: Schema | Ref | undefined, depth = 0): unknown {
  if (!value || depth > 4) return {};
  const s = resolve<Schema>(doc, value);
  if (s.example !== undefined) return s.example;
  if (s.examples?.length) return s.examples[0];
  if (s.const !== undefined) return s.const;
  if (s.enum?.length) return s.enum[0];
  if (s.allOf) return Object.assign({}, ...s.allOf.map((p) => exampleOf(doc, p, depth + 1)));
  const choice = s.oneOf?.[0] ?? s.anyOf?.[0];
  if (choice) return exampleOf(doc, choice, depth + 1);
  switch ([s.type].flat()[0]) {
    case 'array':
      return [exampleOf(doc, s.items, depth + 1)];
    case 'integer':
    case 'number':
      return s.minimum ?? 1;
    case 'boolean':
      return true;
    case 'string':
      return s.format === 'date-time' ? '2026-12-01T00:00:00Z' : s.format === 'date' ? '2026-12-01' : s.format === 'email' ? 'user@company.com' : 'text';
    default: {
      const shown = s.required?.length ? s.required : Object.keys(s.properties ?? {}).slice(0, 2);
      return Object.fromEntries(shown.map((name) => [name, exampleOf(doc, s.properties?.[name], depth + 1)]));
    }
  }
}
