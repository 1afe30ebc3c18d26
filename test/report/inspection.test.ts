import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import { mlpWidth } from '../../graphs/models/gpt2.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { inspect } from '../../src/report/inspection.ts'
import { findModel } from '../../src/models/find_model.ts'
import { countParameters, parameterGroups } from '../../src/report/parameter_groups.ts'
import { renderInspection } from '../../src/report/render_inspection.ts'
import { exportArtifacts } from '../../src/runs/artifacts.ts'
import { adamwConfig, trainingOptionsSchema } from '../../src/learning/options.ts'
import type { Head } from '../../graphs/models/head.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { runGraphs } from '../../src/runs/run_graphs.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { withExternalWeight } from '../runtime/models.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { tinyConfig, tinyLora, writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

const optimizer = adamwConfig(trainingOptionsSchema.parse({}))

const withArtifacts = (
  lora: Adaptation,
  use: (folder: string) => Promise<void>,
  head: Head = languageHead,
): Promise<void> =>
  withFolder(async (folder) => {
    const [model, out] = [join(folder, 'model'), join(folder, 'out')]
    await writeTinyModel(model)
    const task = head.kind === 'classes' ? 'classification' : 'sft'
    await exportArtifacts({ model, out, task, options: {}, lora, npt: null, head, optimizer, seed: 1 })
    await use(out)
  })

/** Multiplications and additions per token of a full context, written out from the model's architecture. */
function forwardFlops(rank: number): number {
  const { n_embd: d, n_layer, n_positions, vocab_size } = tinyConfig
  const attention = 2 * d * n_positions // scores and their product with the values
  const weights = d * 3 * d + d * d + 2 * d * mlpWidth(tinyConfig)
  const adapters = rank * (d + 3 * d) + rank * (d + d)
  return 2 * (n_layer * (weights + attention + adapters) + d * vocab_size)
}

describe('report/inspection', () => {
  it('counts 442,368 trainable and 124,439,808 frozen parameters for LoRA on GPT-2 small', async () => {
    const config = parseGpt2Config(
      { n_layer: 12, n_head: 12, n_embd: 768, n_positions: 1024, vocab_size: 50257 },
      'GPT-2 small',
    )
    const count = async (lora: Adaptation) => {
      const { trainable, frozen } = await runGraphs(
        { task: 'sft', options: {}, lora, npt: null, head: languageHead },
        config,
        new Map(),
      )
      return countParameters([...parameterGroups(trainable, true), ...parameterGroups(frozen, false)])
    }
    const lora = { r: 8, lora_alpha: 16, target_modules: ['c_attn', 'attn.c_proj'] }
    expect(await count(lora)).to.deep.equal({ trainable: 442_368, frozen: 124_439_808 })
    expect(await count('full')).to.deep.equal({ trainable: 124_439_808, frozen: 0 })
  })

  it('shows what an artifact folder of adapters holds', async () => {
    await withArtifacts(tinyLora, async (folder) => {
      const { parameters, models, ...facts } = await inspect(folder)
      expect(facts).to.deep.equal({ path: folder, task: 'sft', lora: tinyLora, context: 64 })
      const { n_embd: d, n_layer } = tinyConfig
      expect(parameters.trainable).to.equal(n_layer * tinyLora.r * (d + 3 * d + d + d))
      expect(parameters.groups[0]).to.deep.equal({
        module: 'transformer.h.*.attn.c_attn.lora_A',
        count: n_layer,
        shape: [tinyLora.r, d],
        parameters: n_layer * tinyLora.r * d,
        trainable: true,
      })

      const { 'training_model.onnx': training, 'eval_model.onnx': evaluation } = models
      expect(Object.keys(models)).to.have.length(3)
      expect(training!.inputs[0]).to.deep.equal({
        name: 'input_ids',
        dtype: 'int64',
        shape: ['batch', 'sequence'],
        doc: "the tokens' numbers, shorter sequences filled up on the right",
      })
      expect(training!.doc).to.equal('sft, forward and backward of a micro-batch: loss = Σ label_weights·nll')
      expect(training!.outputs.map(({ name }) => name)).to.include.members([
        'loss',
        'transformer.h.1.attn.c_proj.lora_B.weight_grad',
      ])
      expect(evaluation!.operators['Softmax']).to.be.at.least(n_layer)
      expect(evaluation!.flops_per_token).to.equal(forwardFlops(tinyLora.r))
      expect(models['optimizer_model.onnx']!.flops_per_token).to.equal(null)
    })
  })

  it('counts three times the forward operations for training every parameter, and not what is computed again', async () => {
    await withArtifacts('full', async (folder) => {
      const { models, parameters } = await inspect(folder)
      expect(parameters.frozen).to.equal(0)
      expect(models['eval_model.onnx']!.flops_per_token).to.equal(forwardFlops(0))
      expect(models['training_model.onnx']!.flops_per_token).to.equal(3 * forwardFlops(0))
    })
  })

  it('shows a classifier whose head alone is trained', async () => {
    const head = { kind: 'classes', classes: ['a', 'b', 'c'], pooling: 'last', dropout: 0.1 } as const
    await withArtifacts(
      'none',
      async (folder) => {
        const { parameters, models, task, lora } = await inspect(folder)
        const { n_embd, n_positions, vocab_size } = tinyConfig
        expect({ task, lora }).to.deep.equal({ task: 'classification', lora: 'none' })
        expect(parameters.trainable).to.equal(3 * n_embd)
        expect(
          parameters.groups.filter(({ trainable }) => trainable).map(({ module }) => module),
        ).to.deep.equal(['score'])
        // No head of a language model, and that of the classes once per text.
        expect(models['eval_model.onnx']!.flops_per_token).to.be.closeTo(
          forwardFlops(0) - 2 * n_embd * vocab_size + (2 * n_embd * 3) / n_positions,
          1e-9,
        )
        expect(renderInspection(await inspect(folder))).to.match(/out: classification, the head alone\n/)
      },
      head,
    )
  })

  it('shows the inference graphs of an exported model', async () => {
    await withFolder(async (folder) => {
      const [base, adapter, out] = [join(folder, 'base'), join(folder, 'adapter'), join(folder, 'out')]
      await writeTinyModel(base)
      await writeTinyAdapter(adapter)
      await exportModel({ model: { base, adapter }, out, adapterInputs: true })
      const { parameters, models } = await inspect(out)
      expect(parameters.trainable).to.equal(0)
      expect(models['onnx/model.onnx']!.flops_per_token).to.equal(forwardFlops(0))
      expect(models['onnx/model_lora.onnx']!.flops_per_token).to.equal(forwardFlops(tinyLora.r))
      const single = await inspect(join(out, 'onnx', 'model_lora.onnx'))
      expect(Object.keys(single.models)).to.deep.equal(['onnx/model_lora.onnx'])
    })
  })

  it('shows an exported model with plastic blocks, whatever type its weights have', async () => {
    await withFolder(async (folder) => {
      const npt = { rank: 4, layers: [1] }
      const { run } = await createTinyRun(folder, [{ text: 'a lamp' }], {
        lora: undefined,
        npt,
        max_steps: 1,
      })
      await continueRun(run)
      for (const [dtype, graph] of [
        ['F32', 'model'],
        ['F16', 'model_fp16'],
        ['INT4', 'model_q4'],
      ] as const) {
        const out = join(folder, dtype)
        await exportModel({ model: await findModel(run), out, dtype })
        const { parameters, models } = await inspect(out)
        expect(parameters.frozen).to.equal(43_904 + npt.rank * (tinyConfig.n_embd + mlpWidth(tinyConfig)))
        expect(models[`onnx/${graph}.onnx`]!.flops_per_token).to.be.greaterThan(forwardFlops(0))
      }
    })
  })

  it('claims no cost for a graph that is not the one ortune writes', async () => {
    await withArtifacts(tinyLora, async (folder) => {
      await copyFile(join(folder, 'training_model.onnx'), join(folder, 'eval_model.onnx'))
      const { models } = await inspect(folder)
      expect(models['eval_model.onnx']!.flops_per_token).to.equal(null)
      expect(models['training_model.onnx']!.flops_per_token).to.be.greaterThan(0)
    })
  })

  it('shows any .onnx file, and names one that is none', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'other.onnx')
      await writeFile(path, withExternalWeight().model)
      const { parameters, models, task } = await inspect(path)
      expect(task).to.equal(null)
      expect(parameters.frozen).to.equal(3)
      expect(models['other.onnx']).to.deep.equal({
        inputs: [{ name: 'x', dtype: 'float32', shape: [3] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: [3] }],
        operators: { Add: 1 },
        flops_per_token: null,
      })

      await writeFile(path, (await readFile(path)).subarray(0, 40))
      expect(await userError(() => inspect(path))).to.match(/other\.onnx is no ONNX model/)
      await writeFile(path, '')
      expect(await userError(() => inspect(path))).to.match(/other\.onnx is no ONNX model/)
      const empty = join(folder, 'no such folder')
      expect(await userError(() => inspect(empty))).to.match(/no such folder does not exist/)
    })
  })

  it('is readable in a terminal', async () => {
    await withArtifacts(tinyLora, async (folder) => {
      const text = renderInspection(await inspect(folder))
      expect(text).to.match(/out: sft, LoRA r=4 alpha=8 on c_attn, attn\.c_proj\n/)
      expect(text).to.match(/parameters: 1,536 trainable, 43,904 frozen\n/)
      expect(text).to.match(
        /transformer\.h\.\*\.attn\.c_attn\.lora_A\.weight {2}×2 +float32 +\[4, 32\] {2}a trained tensor/,
      )
      expect(text).to.match(/\d+ nodes: \w+ \d+, /)
    })
  })
})
