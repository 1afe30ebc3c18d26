import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { NO_LOSS } from '../../src/data/examples/encode.ts'
import type { Value } from '../../src/data/row.ts'
import { promptText } from '../../src/generation/written_prompt.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { readChatTemplate } from '../../src/formats/chat_template.ts'
import { diskFiles } from '../../src/formats/disk_files.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { findModel } from '../../src/models/find_model.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import { seededWeights } from '../../src/runs/initialise.ts'
import { openChat } from '../../src/runs/open_chat.ts'
import { resolveTemplates } from '../../src/runs/prepare_data.ts'
import { openSplit } from '../../src/runs/split.ts'
import { runHere } from '../cli/run_cli.ts'
import { userError, withFolder } from '../data/helpers.ts'

const fixtures = join(import.meta.dirname, '../fixtures')
const read = (name: string): Promise<string> => readFile(join(fixtures, name), 'utf8')

interface Cases {
  readonly tools: Value[]
  readonly conversations: readonly { readonly messages: object[]; readonly tools: boolean }[]
  readonly families: Record<
    string,
    {
      readonly cases: readonly {
        readonly ids: readonly number[]
        readonly spans: readonly (readonly [number, number])[]
        readonly prompt: string
      }[]
    }
  >
}

describe('a run on conversations with a model that has a chat template', () => {
  it('learns what the template writes, talks by it, and gives it on', () =>
    withFolder(async (folder) => {
      const [model, run, data, out] = ['model', 'run', 'rows.jsonl', 'out'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string]
      const { tools, conversations, families } = JSON.parse(await read('chat_templates/cases.json')) as Cases
      const source = await read('chat_templates/qwen2.5.jinja')
      const kept = JSON.parse(await read('llama_tokenizers.json')) as {
        families: Record<string, { tokenizer: object }>
      }
      const config = parseGpt2Config(
        { n_layer: 1, n_head: 1, n_embd: 8, n_positions: 1024, vocab_size: 400 },
        'the tiny configuration',
      )
      await mkdir(model)
      await writeModelFolder(model, {
        config,
        tensors: seededWeights(config, 1),
        tokenizerFiles: {
          'tokenizer.json': JSON.stringify(kept.families['qwen']!.tokenizer),
          'tokenizer_config.json': JSON.stringify({ eos_token: '<|im_end|>' }),
        },
      })
      const given = (more: object) =>
        runConfigSchema.parse({
          ...{ model, output_dir: run, lora: { r: 1, lora_alpha: 1 }, max_steps: 1 },
          data: ['train', 'validation'].map((all) => ({ path: data, split: { all } })),
          ...more,
        })
      const rows = conversations.map((one) => ({ messages: one.messages, ...(one.tools ? { tools } : {}) }))
      await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'))
      expect(
        await userError(() => resolveTemplates(given({ template: { chat_template: 'model' } }))),
      ).to.match(/has no chat template of its own; name a file as template\.chat_template/)

      await writeFile(join(model, 'chat_template.jinja'), source)
      const { template } = await resolveTemplates(given({}))
      expect(template).to.deep.equal({ chat_template: source, messages: 'messages' })
      const chat_template_kwargs = { brief: [true, null, { 'a b': 'é"' }] }
      const named = { chat_template: join(model, 'chat_template.jinja'), chat_template_kwargs }
      await createRun(given({ template: named }))

      const dataset = await openSplit(run, 'train')
      const references = families['qwen2.5']!.cases
      expect(dataset.size).to.equal(references.length)
      for (const [i, { ids, spans }] of references.entries()) {
        const { input_ids, labels } = dataset.row(i)
        expect([...input_ids], `${i}`).to.deep.equal(ids)
        const learned = ids.map((id, t) => (spans.some(([a, b]) => t >= a && t < b) ? id : NO_LOSS))
        expect([...labels], `${i}`).to.deep.equal(learned)
      }
      dataset.close()

      await continueRun(run)
      const { form, generator } = await openChat(run, { variables: { tools } })
      await generator.release()
      // The last turn of the conversation with tools, in which nothing was called.
      const prompt = promptText(form.prompt({ you: 'Hi' }, [])).replaceAll('<|endoftext|>', '<|im_end|>')
      expect(prompt).to.equal(references[13]!.prompt)

      const asked = ['--prompt', 'Hi', '--template-variable', `tools=${JSON.stringify(tools)}`]
      const { stdout, stderr } = await runHere(
        folder,
        'generate',
        'run',
        ...asked,
        '--max-new-tokens',
        '1',
        '--json',
      )
      const [written] = (JSON.parse(stdout) as { continuations: { prompt: string }[] }).continuations
      expect(written!.prompt.replaceAll('<|endoftext|>', '<|im_end|>'), stderr).to.equal(prompt)
      const unnamed = await runHere(folder, 'generate', 'run', '--prompt', 'Hi', '--template-variable', '7=a')
      expect(unnamed.stderr).to.match(/write name=value/)

      await exportModel({ model: await findModel(run), out })
      const preamble = `{% if brief is not defined %}{% set brief = [true, none, {"a b": "é\\""}] %}{% endif %}{{ '' }}`
      expect(await readChatTemplate(diskFiles(out))).to.equal(preamble + source)
    }))
})
