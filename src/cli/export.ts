/** @module */
import { Command, Option } from 'commander'

import type { Pooling } from '../../graphs/layers/pooling.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import type { TaskName } from '../tasks/index.ts'
import { TASK_NAMES, taskNamed } from '../tasks/index.ts'
import { UserError } from '../errors.ts'
import type { Base } from '../formats/base.ts'
import { BASES } from '../formats/base.ts'
import type { Precision } from '../formats/precision.ts'
import { PRECISIONS } from '../formats/precision.ts'
import { wholeNumber, realNumber } from './number_argument.ts'

/** Those that need nothing but a model. */
const TASKS = TASK_NAMES.filter((name) => taskNamed(name).refuses.plasticBlocks !== 'needed')

interface ExportFlags {
  model: string
  out: string
  task: TaskName
  classes?: string
  pooling: Pooling
  full?: boolean
  loraR: number
  loraAlpha: number
  loraTargets?: string
  base?: Base
  precision: Precision
  gradientCheckpointing: number | boolean
  seed: number
  json?: boolean
}

/** `ortune export --model <folder> --out <folder>` */
export const exportCommand = (): Command =>
  new Command('export')
    .addOption(new Option('--task <name>', 'what the graphs are for').choices(TASKS).default('sft'))
    .option('--classes <names>', 'of task classification: the names of the classes, with commas between them')
    .addOption(
      new Option('--pooling <kind>', 'of tasks classification and reward: what the head looks at')
        .choices(poolings)
        .default('last'),
    )
    .requiredOption(
      '--model <path>',
      'folder of a model (docs/models.md), or a config.json for random weights',
    )
    .requiredOption('--out <folder>', 'folder to write')
    .option('--full', 'train every parameter instead of adapters')
    .option('--lora-r <r>', 'rank of the adapters', wholeNumber({ from: 1, to: 4096 }), 8)
    .option('--lora-alpha <alpha>', 'the adapters are scaled by alpha / r', realNumber({ from: 1e-6 }), 16)
    .option(
      '--lora-targets <names>',
      'modules with adapters, by name or ending (default: what docs/models.md names for the family)',
    )
    .addOption(
      new Option(
        '--base <type>',
        'what frozen weights are kept in (default: what the model has them in)',
      ).choices(BASES),
    )
    .addOption(
      new Option('--precision <type>', 'what the graphs compute in').choices(PRECISIONS).default('fp32'),
    )
    .option(
      '--gradient-checkpointing [blocks]',
      'the backward pass computes each block, or so many together, once more to save memory',
      checkpointedBlocks,
      false,
    )
    .option('--seed <n>', 'seed of the weights that are drawn', wholeNumber({ from: 0, to: 2 ** 31 }), 42)
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune export --model artifacts/pocket --out artifacts/pocket-lora --lora-r 16\n' +
        '  ortune export --model artifacts/pocket --out artifacts/pocket-int4 --base int4 --gradient-checkpointing\n' +
        '\nGraphs of a model for use, of 4 bits too, are written by "ortune merge".',
    )
    .action(async (flags: ExportFlags) => {
      const { model, out, task, pooling, full, loraR, loraAlpha, loraTargets, seed, json } = flags
      const { base = null, precision, gradientCheckpointing: gradient_checkpointing } = flags
      const { exportArtifacts } = await import('../runs/artifacts.ts')
      const { newHead } = await import('../runs/new_head.ts')
      const { readTaskModel } = await import('../runs/check_config.ts')
      const { adamwConfig, trainingOptionsSchema } = await import('../learning/options.ts')
      const { adaptationOf } = await import('../runs/learning_config.ts')
      const adapters = { r: loraR, lora_alpha: loraAlpha, target_modules: loraTargets?.split(',') }
      const lora = adaptationOf(
        { lora: full ? 'full' : adapters, npt: null },
        await readTaskModel({ model, task, npt: null, pooling }),
      )
      const optimizer = adamwConfig(trainingOptionsSchema.parse({}))
      const { models, parameters } = await exportArtifacts({
        model,
        out,
        base,
        precision,
        gradient_checkpointing,
        lora,
        npt: null,
        task,
        options: taskNamed(task).graphOptions.parse({}),
        head: newHead(taskNamed(task).head, { pooling, classifier_dropout: 0 }, classesOf(flags)),
        optimizer,
        seed,
      })
      if (json) {
        process.stdout.write(`${JSON.stringify({ out, models: Object.keys(models), parameters })}\n`)
        return
      }
      const [trainable, frozen] = [parameters.trainable, parameters.frozen].map((n) => n.toLocaleString('en'))
      process.stdout.write(
        `wrote ${Object.keys(models).join(', ')} to ${out}\n` +
          `${trainable} trainable and ${frozen} frozen parameters\n` +
          `  look inside   ortune inspect ${out}\n`,
      )
    })

/** As configurations have it: `true`, `false`, or of how many blocks together. Without a word commander takes `true`. */
const checkpointedBlocks = (text: string): number | boolean =>
  text === 'true' || text === 'false' ? text === 'true' : wholeNumber({ from: 1 })(text)

/** The names of the classes; none for a task that has no classes. */
function classesOf({ task, classes }: ExportFlags): string[] {
  if (taskNamed(task).head !== 'classes') {
    if (classes !== undefined) throw new UserError('--classes has a meaning for --task classification only')
    return []
  }
  const names = classes?.split(',').map((name) => name.trim()) ?? []
  if (names.length < 2 || names.some((name) => name === '') || new Set(names).size < names.length)
    throw new UserError(
      '--task classification needs --classes with two or more different names, for example --classes no,yes',
    )
  return names
}
