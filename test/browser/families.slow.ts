import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { parseModelConfig } from '../../src/formats/parse_model_config.ts'
import { seededWeights } from '../../src/runs/initialise.ts'
import { learned, openPage, paste, section, start } from './on_page.ts'
import type { Site } from './site.ts'
import { servedSite } from './site.ts'
import { startBrowser } from './tab.ts'

/** A model of the family of Llama, with a tokenizer of 512 tokens. */
async function writeQwen(folder: string): Promise<void> {
  const config = parseModelConfig(
    {
      ...{
        model_type: 'qwen3',
        vocab_size: 512,
        hidden_size: 32,
        intermediate_size: 48,
        num_hidden_layers: 2,
      },
      ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, max_position_embeddings: 128 },
      ...{ bos_token_id: null, eos_token_id: 511, tie_word_embeddings: true, initializer_range: 0.2 },
    },
    'the configuration',
  )
  const tokenizerFiles = await gpt2TokenizerFiles(512 - 257)
  await writeModelFolder(folder, { config, tensors: seededWeights(config, 1), tokenizerFiles })
}

describe('a model of another family on the page', function () {
  this.timeout(240_000)
  let browser: Browser
  let site: Site
  let folder: string

  before(async () => {
    browser = await startBrowser()
    site = await servedSite()
    folder = await mkdtemp(join(tmpdir(), 'ortune-families-'))
  })
  after(async () => {
    await browser.close()
    await site.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('is opened, learns, is kept, and is there after a reload', async () => {
    await writeQwen(join(folder, 'qwen'))
    const context = await browser.newContext()
    const page = await openPage(context, site.url)
    const loaded: string[] = []
    page.on('response', (response) => loaded.push(new URL(response.url()).pathname))
    const model = section(page, 'Model')
    await model.locator('input[type=file]').setInputFiles(join(folder, 'qwen'))
    await model.getByText('qwen', { exact: true }).waitFor()
    await paste(page, Array.from({ length: 12 }, (_, n) => `A fox has ${n} hens.`).join('\n'))
    await page.getByText('Token by token').waitFor()
    await start(page, { Steps: '3', Name: 'foxes' })
    await learned(page, 'foxes')
    const kept = section(page, 'Kept in this browser')
    await kept.getByRole('button', { name: 'Keep what foxes has learned' }).click()
    await page.getByText('What foxes has learned is kept as the adapter').waitFor()
    expect(loaded.some((path) => /\/llama-[\w-]+\.js$/.test(path))).to.equal(true)

    await page.reload()
    await kept.getByRole('button', { name: 'Use foxes' }).waitFor()
    await kept.getByText('step 3 of 3 · finished').waitFor()
    await context.close()
  })
})
