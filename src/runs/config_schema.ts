/**
 * The configuration of a run as a JSON schema, with what each task demands and refuses: what `check_config.ts` says of keys alone.
 * @module
 */
import type { JsonSchema } from '../json_schema.ts'
import { jsonSchema } from '../json_schema.ts'
import type { TaskName } from '../tasks/index.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import { runConfigSchema } from './config.ts'

/** Words of draft 7 that hold for some values of other keys. */
interface Conditional {
  readonly if: object
  readonly then: object
}

/** In `allOf` one condition for each task, and that of a curriculum. */
export function configSchema(): JsonSchema & { readonly allOf: readonly Conditional[] } {
  const schema = jsonSchema(runConfigSchema)
  const fallback = schema.properties?.['task']?.default
  const allOf = TASK_NAMES.map((name) => ({
    if: { properties: { task: { const: name } }, ...(name === fallback ? {} : { required: ['task'] }) },
    then: demandsOf(name),
  }))
  return { ...schema, allOf: [...allOf, STAGES_OF_A_CURRICULUM] }
}

/** What says how to go through stages needs some. */
const STAGES_OF_A_CURRICULUM: Conditional = {
  if: { properties: { curriculum: { type: ['string', 'object'] } }, required: ['curriculum'] },
  then: { properties: { stages: { type: 'array' } }, required: ['stages'] },
}

function demandsOf(name: TaskName): object {
  const { metrics, options, refuses } = taskNamed(name)
  const needsBlocks = refuses.plasticBlocks === 'needed'
  const required = [
    // Options of which one has no default must be given.
    ...(options.safeParse({}).success ? [] : [name]),
    ...(needsBlocks ? ['npt'] : []),
  ]
  const others = TASK_NAMES.filter((other) => other !== name)
  const frozen = { lora: { not: { const: 'none' } } }
  return {
    ...(required.length > 0 ? { required } : {}),
    properties: {
      ...Object.fromEntries(others.map((other) => [other, false])),
      metric_for_best_model: { enum: ['eval_loss', ...metrics] },
      ...(refuses.packing === undefined ? {} : { packing: { const: false } }),
      ...(refuses.plasticBlocks === 'refused' ? { npt: { type: 'null' } } : {}),
      ...(needsBlocks ? { npt: { type: 'object' } } : {}),
    },
    // Plastic blocks are what is trained, so that adapters are none.
    if: { properties: { npt: { type: 'object' } }, required: ['npt'] },
    then: { properties: { lora: { const: 'none' } } },
    ...(refuses.frozen === undefined ? {} : { else: { properties: frozen } }),
  }
}
