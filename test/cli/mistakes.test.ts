import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { withLock } from '../../src/formats/lock.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel, writeWords } from '../tiny_model.ts'
import type { Outcome } from './run_cli.ts'
import { listing, runAlone, runHere } from './run_cli.ts'

/** A command line, and what its one sentence must say. */
type Mistake = readonly [args: string[], says: RegExp]

const config = `
model: model
output_dir: run
data: [{ path: words.csv, split: { column: split } }]
template: { prompt: 'Word: {{ word }} ;', completion: ' {{ definition }}' }
max_steps: 1
`

/** Everything the mistakes are made with. */
async function prepareFolder(folder: string): Promise<void> {
  const at = (...names: string[]) => join(folder, ...names)
  await writeTinyModel(at('model'))
  await writeWords(at('words.csv'))
  await writeFile(at('config.yaml'), config)
  await writeFile(at('one.csv'), 'word,definition\ndog,an animal\n')

  await writeTinyModel(at('truncated'))
  const weights = at('truncated', 'model.safetensors')
  await truncate(weights, (await readFile(weights)).length - 100)

  await writeTinyModel(at('hostile'))
  const file = await open(at('hostile', 'model.safetensors'), 'r+')
  await file.write(new Uint8Array(8).fill(0x7f), 0, 8, 0)
  await file.close()

  await writeTinyModel(at('overlapping'))
  const overlapping = at('overlapping', 'model.safetensors')
  const sound = await readFile(overlapping, 'latin1')
  await writeFile(overlapping, sound.replace('[73856,73984]', '[73728,73856]'), 'latin1')

  await writeFile(at('ragged.csv'), 'word,definition,split\ndog,an animal,train\ncat,train\n')
  await writeFile(at('latin1.csv'), Buffer.from('word,definition,split\ncaf\xe9,a place,train\n', 'latin1'))
  await writeFile(at('empty.csv'), 'word,definition,split\n')
  await writeFile(at('notes.onnx'), 'this is no graph')
  await mkdir(at('full'))
  await writeFile(at('full', 'mine.txt'), 'precious')
}

const train = (...overrides: string[]): string[] => ['train', 'config.yaml', ...overrides]
const source = (path: string): string => `data=[{path: ${path}, split: {column: split}}]`
const generate = (...args: string[]): string[] => ['generate', ...args, '--prompt', 'Word: dog ;']
const exportTo = (out: string, model: string, ...more: string[]): string[] =>
  ['export', '--out', out, '--model', model].concat(more)

const mistakes: Record<string, readonly Mistake[]> = {
  'a configuration': [
    [
      train('learning_rat=1'),
      /ortune: learning_rat=1 on the command line: there is no option "learning_rat"; did you mean "learning_rate"\?/,
    ],
    [
      train('threads=1024'),
      /threads 1024 are too many for this machine, which takes \d+, two for each of its cores;/,
    ],
    [generate('model', '--threads', '1024'), /whole number from 1 to \d+, twice the cores of this machine/],
    [
      train('--learning_rate', '1e-4'),
      /unknown option '--learning_rate'; .* without dashes: learning_rate=1e-4$/m,
    ],
    [train('--learning-rate=1e-4'), /without dashes: learning_rate=1e-4$/m],
    [train('--lora_r', '4'), /without dashes: lora\.r=4$/m],
    [train('--lora-alpha', '4'), /without dashes: lora_alpha=4$/m],
    [train('--beta', '0.1'), /without dashes: beta=0\.1$/m],
    [['prepare', '--packing', 'config.yaml'], /without dashes: packing=true$/m],
    [['train', '--max_step', '3', 'config.yaml'], /without dashes: max_steps=3$/m],
    [['resume', 'run', '--max-steps', '400'], /without dashes: max_steps=400$/m],
    [['resume', 'run', '--model', 'x'], /unknown option '--model'$/m],
    [['generate', 'model', '--learning_rate', '1'], /unknown option '--learning_rate'$/m],
    ...['', 'null', '3', '[]'].map((row): Mistake => [
      ['generate', 'model', '--row', row],
      /ortune: --row (""|null|3|\[\]) is no JSON object of columns; write one such as/,
    ]),
    [['generate', 'model', '--column', ''], /ortune: --column "" is no column; write name=value/],
    [['help', 'trian'], /unknown command 'trian'\n\(Did you mean train\?\)/],
    [train('lora.q=1'), /there is no option "lora\.q"/],
    [train('max_length=65'), /max_length 65 exceeds the model's context of 64/],
    [train('template.prompt={{ wrod }}'), /words\.csv, row 1: the prompt template uses "wrod"/],
    [
      train('template.prompt={a: b}'),
      /template: it must have the texts prompt and completion, or text alone/,
    ],
    [train('template=null', 'template.words=x'), /template: it must have the texts prompt and completion/],
    [train('template.prompt="{{ wrod }}"'), /words\.csv, row 1: the prompt template uses "wrod"/],
    [train('template={user: x}'), /template: it must have .* or user and assistant \(a chat\)/],
    [train('template={text: "{{ word }}", requires: definition}'), /template: it must have the texts/],
    [train('classes=[a, b]'), /classes are for the task classification/],
    [train('task=classification'), /words\.csv: its template is not for the task classification/],
    [train('lora.target_modules=[q_proj]'), /LoRA target "q_proj" matches no module; there are attn\.c_attn/],
    ...['', ',,'].map((none): Mistake => [
      exportTo('out', 'model', '--lora-targets', none),
      /lora\.target_modules\.0: a module with adapters must have a name/,
    ]),
    [exportTo('out', 'model', '--lora-targets', 'c_attn,nope'), /LoRA target "nope" matches no module/],
  ],
  'a file that is missing': [
    [['train', 'nowhere.yaml'], /nowhere\.yaml does not exist/],
    [train(source('nowhere.csv')), /nowhere\.csv does not exist/],
    [train('model=nowhere'), /nowhere.* does not exist/],
    [exportTo('out', 'nowhere'), /nowhere.* does not exist/],
    [generate('nowhere'), /nowhere does not exist/],
    [['inspect', 'nowhere'], /nowhere does not exist/],
    [['resume', 'model'], /model is no training run; name the output_dir of one/],
    [['evaluate', 'model'], /model is no training run/],
  ],
  'a weight file that is broken': [
    [
      exportTo('out', 'truncated'),
      /truncated\/model\.safetensors is not a sound safetensors file: .*truncated/,
    ],
    [exportTo('out', 'hostile'), /it announces a header of 9187201950435737471 bytes/],
    [
      ['merge', 'overlapping', '--out', 'out'],
      /overlapping\/model\.safetensors is not a sound safetensors file: tensor .* overlaps/,
    ],
    [generate('truncated'), /truncated\/model\.safetensors is not a sound safetensors file/],
    [['inspect', 'notes.onnx'], /notes\.onnx is no ONNX model/],
  ],
  'data that cannot be used': [
    [train(source('ragged.csv')), /ragged\.csv, .*3/],
    [train(source('latin1.csv')), /latin1\.csv.* UTF-8/],
    [train(source('empty.csv')), /empty\.csv: no example to learn from/],
    [['prepare', 'config.yaml', source('ragged.csv'), '--out', 'out'], /ragged\.csv/],
    [
      train('data=[{path: words.csv, split: {all: train}}]'),
      /the data has no validation examples; add a source of them \(split: \{ all: validation \}\), or draw some/,
    ],
    [
      train('data=[{path: one.csv, split: {validation: 0.5}}]'),
      /the data has no validation examples; there are too few rows that differ to draw some; add rows, or name/,
    ],
  ],
  'an argument': [
    [generate('model', '--prompt', 'long '.repeat(70)), /prompt 1 has \d+ tokens .* context of 64/],
    [generate('model', '--max-new-tokens', '64'), /prompt 1 has \d+ tokens and 64 new ones do not fit/],
    [generate('model', '--top-p', '2'), /'--top-p <p>' argument '2' is invalid\. It must be a number from/],
    [generate('model', '--adapter', 'model'), /adapter_config\.json does not exist/],
    [generate('model', '--checkpoint', 'best'), /model is no run, so it has no best checkpoint/],
    [['generate', 'model', '--prompt', ''], /prompt 1 is empty/],
    [['merge', 'model', '--out', 'full'], /full holds files already/],
    [
      ['merge', 'model', '--out', 'out', '--dtype', 'q8'],
      /'--dtype <type>' argument 'q8' is invalid\. Allowed/,
    ],
    [exportTo('full', 'model'), /full holds files that are no artifacts/],
    [
      exportTo('out', 'model', '--base', 'q4'),
      /'--base <type>' argument 'q4' is invalid\. Allowed choices are/,
    ],
    [
      exportTo('out', 'model', '--base', 'int4', '--full'),
      /base int4 is for frozen weights, and lora full freezes none; leave base out/,
    ],
    [exportTo('out', 'model', '--precision', 'int4'), /'--precision <type>' argument 'int4' is invalid\./],
    ...['0', '1.5', 'some'].map((blocks): Mistake => [
      exportTo('out', 'model', '--gradient-checkpointing', blocks),
      /'--gradient-checkpointing \[blocks\]' argument '[^']+' is invalid\. It must be a whole number/,
    ]),
    [train('output_dir=full'), /full holds files that are no artifacts/],
    [['trian', 'config.yaml'], /unknown command 'trian'/],
  ],
}

describe('ortune, given something wrong', () => {
  for (const [what, cases] of Object.entries(mistakes)) {
    it(`says so in one sentence, with exit code 2 and nothing left behind: ${what}`, async () => {
      await withFolder(async (folder) => {
        await prepareFolder(folder)
        const before = await listing(folder)
        for (const mistake of cases) checkOutcome(mistake, await runHere(folder, ...mistake[0]))
        // The first again as users do it.
        checkOutcome(cases[0]!, await runAlone(folder, ...cases[0]![0]))
        expect(await listing(folder)).to.deep.equal(before)
      })
    })
  }
})

describe('ortune resume, of a run that another process trains', () => {
  it('refuses before it has looked at anything but the lock', () =>
    withFolder(async (folder) => {
      // No configuration, no manifest: whatever is read first would be missing.
      await mkdir(join(folder, 'run'))
      await withLock(join(folder, 'run', '.lock'), 'run', async () => {
        const held: Mistake = [
          ['resume', 'run', 'max_steps=4'],
          /^ortune: run is being written by process \d+, since/,
        ]
        checkOutcome(held, await runHere(folder, ...held[0]))
      })
      checkOutcome([['resume', 'run'], /no training run/], await runHere(folder, 'resume', 'run'))
    }))
})

function checkOutcome([args, says]: Mistake, { code, stdout, stderr }: Outcome): void {
  const what = `ortune ${args.join(' ')}`
  expect(stderr, what).to.match(says)
  expect(stderr, what).to.match(/^(ortune|error): .+\n(\n?\(.+\)\n)*$/)
  expect(code, what).to.equal(2)
  expect(stdout, what).to.equal('')
}
