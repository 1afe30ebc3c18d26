import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'

import { expect } from 'chai'

import { readConfigFile } from '../../src/cli/config_file.ts'
import { UserError } from '../../src/errors.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'

const SOUND = 'model: model\noutput_dir: run\ndata: [{ path: words.csv }]\n'

/** What reading says of a file `a.yaml` with overrides, in one sentence. */
async function complaint(file: string, overrides: readonly string[]): Promise<string> {
  let said = ''
  await withFolder(async (folder) => {
    const path = join(folder, 'a.yaml')
    await writeFile(path, file)
    const error = await rejection(readConfigFile(path, overrides))
    expect(error).to.be.instanceOf(UserError)
    said = error.message.replace(path, 'a.yaml')
  })
  return said
}

describe('a configuration of a YAML file and a command line', () => {
  const cases: readonly [what: string, file: string, overrides: readonly string[], says: string | RegExp][] =
    [
      [
        'an override blames the command line',
        SOUND,
        ['learning_rate=abc'],
        'learning_rate=abc on the command line: learning_rate must be a number, > 0, ≤ 10, or null, and is "abc"',
      ],
      [
        'what counts in no stage of a curriculum is given to one',
        `${SOUND}stages:\n  - { name: a, max_length: 8, num_train_epochs: 1 }\n  - { name: b, max_length: 9, max_steps: 4 }\n`,
        ['seed=1', 'max_steps=2'],
        'max_steps=2 on the command line counts in no stage, as each has its own; give it to a stage: stages.0.max_steps=2',
      ],
      [
        'the same in the file blames the file, whatever else is overridden',
        `${SOUND}learning_rate: abc\n`,
        ['seed=1', 'lora.r=2'],
        'a.yaml: learning_rate must be a number, > 0, ≤ 10, or null, and is "abc"',
      ],
      [
        'no number',
        `${SOUND}learning_rate: .nan\n`,
        [],
        'a.yaml: learning_rate must be a number, > 0, ≤ 10, or null, and is .nan',
      ],
      [
        'more than numbers hold',
        SOUND,
        ['learning_rate=-1e400'],
        'learning_rate=-1e400 on the command line: learning_rate must be a number, > 0, ≤ 10, or null, and is -.inf, or a number too large for one',
      ],
      [
        'an override of a key that was wrong before',
        `${SOUND}learning_rate: abc\n`,
        ['learning_rate=abd'],
        'learning_rate=abd on the command line: learning_rate must be a number, > 0, ≤ 10, or null, and is "abd"',
      ],
      [
        'the last of several overrides',
        SOUND,
        ['seed=1', 'seed=-1'],
        'seed=-1 on the command line: seed must be a whole number, ≥ 0, ≤ 2,147,483,648, and is -1',
      ],
      [
        'more responses than a batch of them has room for',
        SOUND,
        ['num_generations=100000', 'task=neuroplastic'],
        'neuroplastic.num_generations=100000 on the command line: neuroplastic.num_generations must be a whole number, ≥ 1, ≤ 1,024, and is 100000',
      ],
      [
        'an override within a mapping that does not fit then',
        `${SOUND}template: { text: x }\n`,
        ['template.words=x'],
        'template.words=x on the command line: there is no option "template.words"; remove it',
      ],
      [
        'a mapping of the file that did not fit before',
        `${SOUND}template: { user: x }\n`,
        ['template.system=x'],
        /^a\.yaml: template: it must have the texts/,
      ],
      [
        'a key within a key, by the nearest one',
        `${SOUND}task: dpo\ndpo: { betta: 1 }\n`,
        [],
        'a.yaml: there is no option "dpo.betta"; did you mean "dpo.beta"?',
      ],
      [
        'a key of a source',
        SOUND,
        ['data.0.spilt=x'],
        'data.0.spilt=x on the command line: there is no option "data.0.spilt"; did you mean "data.0.split"?',
      ],
      [
        'a value of few',
        SOUND,
        ['lr_scheduler_type=cosin'],
        'lr_scheduler_type=cosin on the command line: lr_scheduler_type must be linear, cosine, constant, and is "cosin"; did you mean "cosine"?',
      ],
      [
        'a value of few that a short word is not near to',
        SOUND,
        ['provider=gpu'],
        'provider=gpu on the command line: provider must be cpu, webgpu, cuda, auto, and is "gpu"',
      ],
      [
        'a number that is 0 as float32',
        SOUND,
        ['adam_epsilon=1e-46'],
        'adam_epsilon=1e-46 on the command line: adam_epsilon must be a number, > 0, and is 1e-46, which float32 takes for 0',
      ],
      [
        'a number that is infinite as float32',
        SOUND,
        ['lora.lora_alpha=1e39'],
        'lora.lora_alpha=1e39 on the command line: lora.lora_alpha must be a number, > 0, and is 1e+39, which is infinite as float32',
      ],
      [
        'a key of one of several alternatives',
        SOUND,
        ['lora.r=many'],
        'lora.r=many on the command line: lora.r must be a whole number, ≥ 1, ≤ 4,096, and is "many"',
      ],
      [
        'a value of none of several alternatives',
        SOUND,
        ['lora=3'],
        'lora=3 on the command line: lora must be full, or none, or a mapping, and is 3',
      ],
      [
        'a key that is missing',
        'model: model\noutput_dir: run\n',
        [],
        'a.yaml: there is no "data"; give the sources of the rows, one after another, such as data/instructions.csv, which comes with ortune',
      ],
      [
        'a value that is empty',
        SOUND,
        ['model=""'],
        'model="" on the command line: model is empty; give a text',
      ],
      [
        'no value',
        SOUND,
        ['max_steps='],
        'max_steps= on the command line gives no value; give max_steps=null for null, max_steps=\'""\' for an empty text, or leave it out',
      ],
      [
        'nothing but blanks, within a mapping',
        `${SOUND}template: { text: x }\n`,
        ['template.text=  '],
        /^template\.text= {3}on the command line gives no value; give template\.text=null/,
      ],
      [
        'nothing but a comment',
        SOUND,
        ['output_dir=#7'],
        /^output_dir=#7 on the command line gives no value/,
      ],
      [
        'an entry of a list that is none',
        SOUND,
        ['data.length=-1'],
        'data.length=-1 on the command line: "length" is no entry of a list of 1; entries are numbered from 0',
      ],
      [
        'an entry of a list far beyond its end',
        SOUND,
        ['data.4294967294.path=x'],
        /"4294967294" is no entry of a list of 1/,
      ],
      [
        'a key that objects have by themselves',
        SOUND,
        ['__proto__.lora=none'],
        '__proto__.lora=none on the command line: there is no option "__proto__"; remove it',
      ],
      [
        'a last name of several keys',
        `${SOUND}task: dpo\n`,
        ['seed=1', 'beta=0.2'],
        'beta=0.2 on the command line may be of dpo.beta or plastic.beta; write the one that is meant',
      ],
      [
        'a last name of several keys of the task that the command line chooses',
        `${SOUND}task: dpo\n`,
        ['gamma=0.9', 'task=ppo'],
        /^gamma=0\.9 on the command line may be of ppo\.gamma or plastic\.gamma;/,
      ],
      [
        'a last name, by the whole key, whose value is wrong',
        SOUND,
        ['plasticity_lr=much'],
        'plastic.plasticity_lr=much on the command line: plastic.plasticity_lr must be a number, ≥ 0, ≤ 1, and is "much"',
      ],
      [
        "a last name of another task's key",
        SOUND,
        ['simpo_gamma=1'],
        'simpo_gamma=1 on the command line: there is no option "simpo_gamma"; remove it',
      ],
      [
        'a last name within a list',
        SOUND,
        ['path=a.csv'],
        /^path=a\.csv on the command line: there is no option "path";/,
      ],
      [
        'a last name that is misspelt',
        SOUND,
        ['plasticty_lr=0'],
        'plasticty_lr=0 on the command line: there is no option "plasticty_lr"; did you mean "plastic.plasticity_lr"?',
      ],
      [
        'a last name in a file',
        `${SOUND}lora_alpha: 4\n`,
        [],
        'a.yaml: there is no option "lora_alpha"; did you mean "lora.lora_alpha"?',
      ],
      [
        'a last name of several keys in a file',
        `${SOUND}task: dpo\nbeta: 4\n`,
        [],
        'a.yaml: there is no option "beta"; did you mean "dpo.beta" or "plastic.beta"?',
      ],
      [
        'a short word, which is near to many',
        SOUND,
        ['lr=1e-4'],
        'lr=1e-4 on the command line: there is no option "lr"; remove it',
      ],
      [
        'what is no YAML',
        SOUND,
        ['data=[{path: x'],
        'data=[{path: x on the command line is not valid YAML: Flow map in block collection must be sufficiently indented and end with a } at line 1, column 10',
      ],
    ]
  for (const [what, file, overrides, says] of cases)
    it(`says what is wrong and where: ${what}`, async () => {
      const said = await complaint(file, overrides)
      if (typeof says === 'string') expect(said).to.equal(says)
      else expect(said).to.match(says)
    })

  it('says null, and nothing, in so many words', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, `${SOUND}max_steps: 3\nmax_length: 9\n`)
      const { max_steps, max_length, template } = await readConfigFile(path, [
        'max_steps=null',
        'max_length=~',
        'template.prompt="{{ a }}"',
        'template.completion={{ b }}',
      ])
      expect({ max_steps, max_length }).to.deep.equal({ max_steps: null, max_length: null })
      expect(template).to.deep.equal({ prompt: '{{ a }}', completion: '{{ b }}' })
    }))

  it('has a longest example beside stages that all have one, where all are evaluated by it', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, `${SOUND}stages: [{ name: a, max_length: 8 }, { name: b, max_length: 9 }]\n`)
      const { max_length } = await readConfigFile(path, ['max_length=12', 'curriculum.validation=all'])
      expect(max_length).to.equal(12)
      expect((await rejection(readConfigFile(path, ['max_length=12']))).message).to.match(
        /^max_length=12 .* no stage/,
      )
    }))

  it('has the shipped instructions for a curriculum without data', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, 'model: m\noutput_dir: o\nstages: [{ name: a }]\n')
      const { data } = await readConfigFile(path, [])
      expect(data.map((source) => source.path)).to.deep.equal([
        join(import.meta.dirname, '../../data/instructions.csv'),
      ])
      expect((await readConfigFile(path, ['data.0.path=b.csv'])).data[0]!.path).to.equal('b.csv')
      await writeFile(path, 'model: m\noutput_dir: o\nstages: [{ name: a, data: [{ path: c.csv }] }]\n')
      expect((await rejection(readConfigFile(path, []))).message).to.include('there is no "data"')
    }))

  it('takes keys by their last names, where they are of one key of the task', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, `${SOUND}task: dpo\nlora: { r: 2 }\n`)
      const read = (...overrides: string[]) => readConfigFile(path, overrides)
      const { lora, plastic, dpo } = await read(
        'lora_alpha=64',
        'plasticity_lr=0',
        'dpo.beta=0.2',
        'rpo_alpha=1',
      )
      expect(lora).to.deep.include({ r: 2, lora_alpha: 64 })
      expect(plastic?.plasticity_lr).to.equal(0)
      expect(dpo).to.include({ beta: 0.2, rpo_alpha: 1 })
      expect((await read('task=sft', 'beta=0.5')).plastic?.beta).to.equal(0.5)
      expect(
        (await read('task=ppo', 'ppo.reward.metric=bleu', 'max_new_tokens=7')).ppo?.max_new_tokens,
      ).to.equal(7)
      expect(await read('lora.r=3', 'r=4')).to.deep.equal(await read('lora.r=4'))
    }))

  it('takes a key for what it is, whatever ends like it', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, SOUND)
      const { model, from, npt } = await readConfigFile(path, ['model=other', 'from=runs/a'])
      expect({ model, from, npt }).to.deep.equal({ model: 'other', from: 'runs/a', npt: null })
    }))

  it('may begin a list by an override', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a.yaml')
      await writeFile(path, 'model: model\n')
      const { data } = await readConfigFile(path, [
        'output_dir=run',
        'data.0.path=a.csv',
        'data.1.path=b.csv',
      ])
      expect(data.map((source) => source.path)).to.deep.equal(['a.csv', 'b.csv'])
    })
  })

  it('a program is told in a sentence, too', () => {
    const data = [{ path: 'words.csv' }]
    expect(readConfig({ model: 'model', output_dir: 'run', data })).to.include({
      task: 'sft',
      max_steps: null,
    })
    const wrong = () => readConfig({ model: 'model', output_dir: 'run', data, max_steps: 0 })
    expect(wrong).to.throw(
      UserError,
      'the configuration: max_steps must be a whole number, ≥ 1, ≤ 1e9, or null, and is 0',
    )
    expect(() => readConfig(undefined)).to.throw(UserError, 'the configuration: it must be a mapping')
  })
})
