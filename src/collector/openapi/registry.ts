import * as z from 'zod';

export type JsonSchema = Record<string, unknown>;

/** What clients send, by the names that the OpenAPI document gives them. */
const requests = z.registry<{ id: string }>();
/** What they are answered. */
const answers = z.registry<{ id: string }>();
/** Schemas whose JSON Schema cannot be worked out from their code. */
const written = z.registry<{ json: JsonSchema }, z.core.$ZodType>();

/** Names the schema of a body. */
export function request<T extends z.ZodType>(id: string, schema: T): T {
  requests.add(schema, { id });
  return schema;
}

/** Names the schema of an answer, or of a part that several answers share. */
export function answer<T extends z.ZodType>(id: string, schema: T): T {
  answers.add(schema, { id });
  return schema;
}

/** Says what the document shows of a schema that checks by code, or takes text for a number. */
export function writtenAs<T extends z.ZodType>(schema: T, json: JsonSchema): T {
  written.add(schema, { json });
  return schema;
}

export function refTo(id: string): JsonSchema {
  return { $ref: `#/components/schemas/${id}` };
}

/** @throws Error for a schema without a name: our mistake */
export function nameOf(schema: z.ZodType): string {
  const id = requests.get(schema)?.id ?? answers.get(schema)?.id;
  if (id === undefined)
    throw new Error('a schema of a route has no name: see request() and answer()');
  return id;
}

/** JSON Schema of every named schema. */
export function namedSchemas(): Record<string, JsonSchema> {
  return { ...schemasOf(requests, 'input'), ...schemasOf(answers, 'output') };
}

/** JSON Schema of a schema that is written out where it is used. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return plain(z.toJSONSchema(schema, { ...PARAMETERS, io: 'input' }));
}

function schemasOf(
  registry: z.core.$ZodRegistry<{ id: string }>,
  io: 'input' | 'output',
): Record<string, JsonSchema> {
  const uri = (id: string) => String(refTo(id).$ref);
  const { schemas } = z.toJSONSchema(registry, { ...PARAMETERS, io, uri });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
}

const PARAMETERS = {
  unrepresentable: 'any',
  override({ zodSchema, jsonSchema }) {
    const json = written.get(zodSchema)?.json;
    if (json !== undefined) {
      const { description } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, description === undefined ? {} : { description }, json);
    }
    // A later version may answer more: clients must not refuse what they do not know.
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
} as const satisfies z.core.ToJSONSchemaParams;

function plain({ $schema: _, $id: __, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
