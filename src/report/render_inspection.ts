/** @module */
import { formatShape } from '../../graphs/ir/shape.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { Inspection, ModelInspection } from './inspection.ts'
import type { TensorSummary } from './onnx_summary.ts'
import { withoutNumbers } from './parameter_groups.ts'
import { textTable } from '../metrics/text_table.ts'
import { listNames } from '../quote.ts'
import { visible } from '../visible_text.ts'

const whole = (n: number): string => n.toLocaleString('en')

/** An inspection for the terminal. */
export function renderInspection({ path, task, lora, context, parameters, models }: Inspection): string {
  const sections = [
    visible(`${path}${task && lora ? `: ${task}, ${trained(lora)}` : ''}`) + '\n',
    `parameters: ${whole(parameters.trainable)} trainable, ${whole(parameters.frozen)} frozen\n${parameterTable(parameters.groups)}`,
    ...Object.entries(models).map(([name, model]) => renderModel(name, model, context)),
  ]
  return sections.join('\n')
}

function trained(lora: Adaptation): string {
  if (lora === 'full') return 'every parameter'
  if (lora === 'none') return 'the head alone'
  return `LoRA r=${lora.r} alpha=${lora.lora_alpha} on ${listNames(lora.target_modules)}`
}

const parameterTable = (groups: Inspection['parameters']['groups']): string =>
  indent(
    textTable([
      ['module', 'modules', 'weight', 'parameters', ''],
      ...groups.map(({ module, count, shape, parameters, trainable }) => [
        module,
        whole(count),
        formatShape(shape),
        whole(parameters),
        trainable ? 'trainable' : 'frozen',
      ]),
    ]),
  )

function renderModel(name: string, model: ModelInspection, context: number | null): string {
  const { doc, inputs, outputs, operators, flops_per_token } = model
  const nodes = Object.values(operators).reduce((sum, count) => sum + count, 0)
  const histogram = Object.entries(operators).map(([operator, count]) => `${operator} ${count}`)
  const cost =
    flops_per_token === null
      ? ''
      : indent(`${(flops_per_token / 1e6).toFixed(2)} MFLOPs per token at a context of ${whole(context!)}\n`)
  return `${visible(name)}${doc ? `: ${visible(doc)}` : ''}\n${cost}${indent(`inputs\n${indent(tensorTable(inputs))}outputs\n${indent(tensorTable(outputs))}`)}${indent(`${whole(nodes)} nodes: ${visible(listNames(histogram, 100))}\n`)}`
}

/** Tensors that differ in their layer number only share a line. */
function tensorTable(tensors: readonly TensorSummary[]): string {
  const groups = new Map<string, { name: string; tensor: TensorSummary; count: number }>()
  for (const tensor of tensors) {
    const name = withoutNumbers(tensor.name)
    const key = `${name} ${tensor.dtype} ${formatShape(tensor.shape)}`
    groups.set(key, { name, tensor, count: (groups.get(key)?.count ?? 0) + 1 })
  }
  const rows = [...groups.values()]
  const table = textTable(
    rows.map(({ name, tensor, count }) => [
      count === 1 ? tensor.name : `${name}  ×${count}`,
      tensor.dtype,
      formatShape(tensor.shape),
    ]),
  )
  const lines = table.split('\n')
  return rows.map(({ tensor: { doc } }, i) => `${lines[i]!}${doc ? `  ${visible(doc)}` : ''}\n`).join('')
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')
