/** @module */
import { basename, dirname } from 'node:path'

import { Command } from 'commander'

import type { CheckpointName } from '../formats/find_model.ts'
import { checkpointOption } from './checkpoint_option.ts'

interface MergeFlags {
  out: string
  checkpoint?: CheckpointName
  adapter?: string
  adapterInputs?: boolean
  json?: boolean
}

/** `ortune merge <folder> --out <folder>` */
export const mergeCommand = (): Command =>
  new Command('merge')
    .description(
      'write a trained model for use: one Hugging Face folder, for transformers and transformers.js',
    )
    .argument('<folder>', 'folder of a run (its best checkpoint is used), of a checkpoint or of a model')
    .requiredOption('--out <folder>', 'folder to write')
    .addOption(checkpointOption())
    .option('--adapter <folder>', 'a PEFT adapter to fold into the model')
    .option('--adapter-inputs', 'keep the adapter apart: onnx/model_lora.onnx takes its tensors as inputs')
    .option('--json', 'print one JSON result on standard output')
    .addHelpText('after', '\nExample:\n  ortune merge runs/dictionary --out runs/dictionary-merged')
    .action(async (folder: string, { out, checkpoint, adapter, adapterInputs, json }: MergeFlags) => {
      const { findModel } = await import('../formats/find_model.ts')
      const { exportModel } = await import('../generation/export_model.ts')
      const model = await findModel(folder, { checkpoint, adapter })
      await exportModel({ model, out, adapterInputs })
      const { base, adapter: used } = model
      process.stdout.write(
        json
          ? `${JSON.stringify({ out, base, adapter: used ?? null })}\n`
          : nextSteps(out, adapterInputs ?? false),
      )
    })

function nextSteps(out: string, adapterInputs: boolean): string {
  const steps = [
    ['ortune', `ortune generate ${out} --prompt "…"${adapterInputs ? ` --adapter ${out}/adapter` : ''}`],
    ['transformers', `AutoModelForCausalLM.from_pretrained("${out}")`],
    adapterInputs
      ? ['ONNX Runtime', `${out}/onnx/model_lora.onnx, whose inputs are the tensors in ${out}/adapter`]
      : [
          'transformers.js',
          `env.localModelPath = "${dirname(out)}"; pipeline("text-generation", "${basename(out)}")`,
        ],
  ]
  return `wrote ${out}\n${steps.map(([tool, how]) => `  ${tool!.padEnd(16)} ${how}\n`).join('')}`
}
