import { toBinary } from '@bufbuild/protobuf'
import { expect } from 'chai'

import { checkpointed } from '../../../graphs/checkpointing.ts'
import type { Graph } from '../../../graphs/ir/graph.ts'
import { ModelProtoSchema } from '../../../graphs/ir/onnx_pb.ts'
import { parseModel } from '../../../graphs/ir/parse_model.ts'
import { serialize } from '../../../graphs/ir/serialize.ts'
import type { NptConfig } from '../../../graphs/models/npt_config.ts'
import { newHead } from '../../../src/runs/new_head.ts'
import { TASK_NAMES, taskNamed } from '../../../src/tasks/index.ts'
import { adapters, tiny as config } from '../tiny_gpt2.ts'

const npt: NptConfig = {
  rank: 2,
  modulation_scale: 1,
  init_scale: 1,
  layers: 'all',
  attention_residual: true,
}

/** protobuf's own library knows every field, and writes the same. */
function expectOwnBytes(graph: Graph): void {
  const bytes = serialize(graph, { task: 'test', empty: '' })
  const model = parseModel(bytes)
  expect(Buffer.compare(toBinary(ModelProtoSchema, model), bytes)).to.equal(0)
  expect(unknownFields(model)).to.equal(0)
}

const unknownFields = (value: unknown): number => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  const own = '$unknown' in value && Array.isArray(value.$unknown) ? value.$unknown.length : 0
  return Object.values(value).reduce((sum: number, one) => sum + unknownFields(one), own)
}

describe('writing ONNX', () => {
  for (const name of TASK_NAMES) {
    it(`gives the bytes that protobuf's own library gives, for the graphs of ${name}`, async () => {
      const task = taskNamed(name)
      const options = task.graphOptions.parse({})
      const own = newHead(task.head, { pooling: 'last', classifier_dropout: 0 }, ['no', 'yes'])
      const plastic = task.refuses.plasticBlocks === 'needed'
      for (const dtype of ['float32', 'bfloat16'] as const) {
        const learner = plastic ? { lora: 'none' as const, npt } : { lora: adapters, npt: null }
        const built = (await task.work()).graphs(
          { config, ...learner, stored: undefined, dtype },
          options,
          own,
        )
        expectOwnBytes(built.training())
        expectOwnBytes(built.evaluation())
        expectOwnBytes(checkpointed(built.training(), 1))
      }
    })
  }
})
