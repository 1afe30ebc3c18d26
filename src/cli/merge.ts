/** @module */
import { basename, dirname, join } from 'node:path'

import { Command, Option } from 'commander'

import type { PooledHead } from '../../graphs/models/head.ts'
import type { ExportedModel } from '../exports/export_model.ts'
import { EXPORT_TYPES, graphNames } from '../exports/export_type.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { checkpointOption } from './checkpoint_option.ts'

interface MergeFlags {
  out: string
  checkpoint?: CheckpointName
  adapter?: string
  adapterInputs?: boolean
  dtype?: string
  json?: boolean
}

/** `ortune merge <folder> --out <folder>` */
export const mergeCommand = (): Command =>
  new Command('merge')
    .argument('<folder>', 'folder of a run (its best checkpoint is used), of a checkpoint or of a model')
    .requiredOption('--out <folder>', 'folder to write')
    .addOption(checkpointOption())
    .option('--adapter <folder>', 'a PEFT adapter to fold into the model')
    .option('--adapter-inputs', 'keep the adapter apart: onnx/model_lora.onnx takes its tensors as inputs')
    .addOption(
      new Option(
        '--dtype <type>',
        'what the weights are rounded to; of int4 the ONNX graph alone (default: the type of the model that training began with)',
      ).choices(Object.keys(EXPORT_TYPES)),
    )
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune merge runs/dictionary --out runs/dictionary-merged')
    .action(
      async (folder: string, { out, checkpoint, adapter, adapterInputs, dtype: type, json }: MergeFlags) => {
        const { findModel, headOf } = await import('../models/find_model.ts')
        const { isPooled } = await import('../../graphs/models/head.ts')
        const { classNames } = await import('../formats/classifier_config.ts')
        const { exportModel } = await import('../exports/export_model.ts')
        const { exportClassifier } = await import('../exports/export_classifier.ts')
        const { UserError } = await import('../errors.ts')
        const dtype = type === undefined ? undefined : EXPORT_TYPES[type]
        const { file } = graphNames(dtype)
        const model = await findModel(folder, { checkpoint, adapter })
        const { base, adapter: used } = model
        const head = headOf(model)
        if (isPooled(head) && adapterInputs)
          throw new UserError(
            `${folder} has a head, which is written with the whole model; leave --adapter-inputs out`,
          )
        let written: ExportedModel = { converses: false, notes: [] }
        if (isPooled(head)) await exportClassifier(model, out, dtype)
        else written = await exportModel({ model, out, adapterInputs, dtype })
        const { converses, notes } = written
        for (const note of notes) process.stderr.write(`note: ${note}\n`)
        const steps = isPooled(head)
          ? classifierSteps(out, head, file('model'))
          : languageModelSteps(out, {
              adapterInputs: adapterInputs ?? false,
              plastic: model.npt !== undefined,
              converses,
              lora: file('model_lora'),
            })
        process.stdout.write(
          json
            ? `${JSON.stringify({ out, base, adapter: used ?? null, classes: isPooled(head) ? classNames(head) : null, notes })}\n`
            : `wrote ${out}\n${steps.map(([tool, how]) => `  ${tool.padEnd(16)} ${how}\n`).join('')}`,
        )
      },
    )

type Step = readonly [tool: string, how: string]

interface LanguageModelFacts {
  readonly adapterInputs: boolean
  readonly plastic: boolean
  readonly converses: boolean
  /** The graph that takes an adapter. */
  readonly lora: string
}

function languageModelSteps(
  out: string,
  { adapterInputs, plastic, converses, lora }: LanguageModelFacts,
): Step[] {
  const asked = converses ? `ortune chat ${out}` : `ortune generate ${out} --prompt "…"`
  return [
    ['ortune', `${asked}${adapterInputs ? ` --adapter ${out}/adapter` : ''}`],
    plastic
      ? ['transformers', 'does not know plastic blocks and would leave them out; use the ONNX model']
      : ['transformers', `AutoModelForCausalLM.from_pretrained("${out}")`],
    adapterInputs
      ? ['ONNX Runtime', `${out}/onnx/${lora}, whose inputs are the tensors in ${out}/adapter`]
      : ['transformers.js', pipelineCall('text-generation', out)],
  ]
}

/** How a head is used with ortune and with transformers.js. */
const HEAD_STEPS: Readonly<Record<PooledHead['kind'], (out: string) => readonly Step[]>> = {
  classes: (out) => [
    ['ortune', `ortune classify ${out} --text "…"`],
    ['transformers.js', pipelineCall('text-classification', join(out, 'transformers.js'))],
  ],
  labels: (out) => [
    ['ortune', `ortune classify ${out} --text "…"`],
    [
      'transformers.js',
      `${pipelineCall('text-classification', join(out, 'transformers.js'))}, with top_k: null`,
    ],
  ],
  values: (out) => [
    ['ortune', `ortune classify ${out} --text "…"`],
    ['transformers.js', 'AutoModelForSequenceClassification, whose logits are the values'],
  ],
  score: (out) => [
    [
      'ortune',
      `ortune score ${out} --prompt "…" --response " …<|endoftext|>", texts as the template wrote them`,
    ],
    ['transformers.js', 'AutoModelForSequenceClassification, whose one logit is the score'],
  ],
}

function classifierSteps(out: string, { kind, pooling }: PooledHead, graph: string): Step[] {
  const [own, browser] = HEAD_STEPS[kind](out) as [Step, Step]
  const transformers: Step = [
    'transformers',
    pooling === 'last'
      ? `AutoModelForSequenceClassification.from_pretrained("${out}")`
      : 'has no classifier of such a model that pools the mean and refuses the folder; use the ONNX model',
  ]
  return [own, transformers, browser, ['ONNX Runtime', join(out, 'transformers.js', 'onnx', graph)]]
}

const pipelineCall = (task: string, folder: string): string =>
  `env.localModelPath = "${dirname(folder)}"; pipeline("${task}", "${basename(folder)}")`
