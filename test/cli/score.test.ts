import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { END_MARK } from '../../src/data/templates/end_of_text.ts'
import { openScorer } from '../../src/models/open_scorer.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { runHere } from './run_cli.ts'

const rows = [
  { question: 'a dog', chosen: 'an animal', rejected: 'a thing' },
  { question: 'the sea', chosen: 'water', rejected: 'a kind of a kind' },
  { question: 'a hill', chosen: 'a small mountain', rejected: 'up' },
  { question: 'a lamp', chosen: 'it gives light', rejected: 'it it it' },
]

/** What the template makes of a question and an answer. */
const promptOf = (question: string) => `### Instruction: ${question}\n\n### Response:`
const answerOf = (answer: string) => ` ${answer}${END_MARK}`

/** A run of task reward, trained for some steps. */
async function createRewardModel(folder: string, given: readonly object[] = rows, config: object = {}) {
  const { run, model } = await createTinyRun(folder, given, {
    task: 'reward',
    max_steps: 4,
    learning_rate: 1e-2,
    ...config,
  })
  await continueRun(run)
  return { run, model }
}

interface Result {
  readonly model: string
  readonly responses: { prompt: string; response: string; score: number }[]
  readonly pairs: {
    prompt: string
    chosen: string
    rejected: string
    scores: { chosen: number; rejected: number }
  }[]
  readonly accuracy: number | null
}

const score = async (folder: string, ...args: string[]): Promise<Result> => {
  const { stdout, stderr, code } = await runHere(folder, 'score', ...args, '--json')
  expect(stderr).to.equal('')
  expect(code).to.equal(0)
  return JSON.parse(stdout) as Result
}

describe('ortune score', () => {
  it("scores responses and pairs by the run's template, as its evaluation does", async () => {
    await withFolder(async (folder) => {
      const { run } = await createRewardModel(folder)
      const evaluation = await evaluateRun(run, 'validation')
      if (evaluation.task !== 'reward') throw new Error(evaluation.task)

      const file = await score(folder, run, '--file', 'rows.jsonl')
      expect(file.responses).to.deep.equal([])
      expect(file.accuracy).to.equal(evaluation.metrics.accuracy)
      for (const [i, { prompt, chosen, scores }] of file.pairs.entries()) {
        expect(prompt).to.equal(promptOf(rows[i]!.question))
        expect(chosen).to.equal(` ${rows[i]!.chosen}<|endoftext|>`)
        const [s1, s2] = evaluation.scores[i]!
        expect(scores.chosen).to.be.closeTo(s1, 1e-5)
        expect(scores.rejected).to.be.closeTo(s2, 1e-5)
      }

      const given = await score(folder, run, '--prompt', 'a dog', '--response', 'an animal', 'a thing')
      expect(given.pairs).to.deep.equal([])
      expect(given.accuracy).to.equal(null)
      for (const [i, { score: value }] of given.responses.entries())
        expect(value).to.be.closeTo(evaluation.scores[0]![i]!, 1e-5)

      const scorer = await openScorer(run, { batch: 3 })
      const samples = rows.map(({ question, chosen }) => ({
        prompt: promptOf(question),
        response: answerOf(chosen),
      }))
      for (const [i, value] of (await scorer.score(samples)).entries())
        expect(value).to.be.closeTo(evaluation.scores[i]![0], 1e-5)
      const marked = samples.map((sample) => ({
        ...sample,
        response: sample.response.replace(END_MARK, '<|endoftext|>'),
      }))
      expect(await scorer.score(marked)).to.deep.equal(await scorer.score(samples))
      expect(await scorer.score([])).to.deep.equal([])
      await scorer.release()

      const said = await runHere(folder, 'score', run, '--prompt', 'a dog', '--response', 'an animal\nor two')
      expect(said.stdout).to.match(
        /^ +score {2}response\n +-?\d\.\d{3} {2}an animal↵or two<\|endoftext\|>\n$/,
      )
      const pairs = await runHere(folder, 'score', run, '--file', 'rows.jsonl')
      expect(pairs.stdout.split('\n').length).to.equal(rows.length + 3)
      expect(pairs.stdout).to.include(
        `accuracy ${(100 * file.accuracy!).toFixed(1)} % (${4 * file.accuracy!} of 4 pairs)`,
      )
    })
  })

  it('reads tables, rows with a response, and templates of several columns', async () => {
    await withFolder(async (folder) => {
      const several = rows.map((row) => ({ ...row, kind: 'noun', lead: 0.5 }))
      const { run } = await createRewardModel(folder, several, {
        max_steps: 1,
        template: {
          prompt: '{{ question }} ({{ kind }}):',
          chosen: ' {{ chosen }}<|endoftext|>',
          rejected: ' {{ rejected }}<|endoftext|>',
          margin: '{{ lead }}',
        },
      })
      // Neither the margin nor the answers are needed where a response is given.
      await writeFile(
        join(folder, 'mixed.csv'),
        'question,kind,response\na dog,noun,an animal\n"the sea",noun,water\n',
      )
      await writeFile(
        join(folder, 'pairs.tsv'),
        'question\tkind\tchosen\trejected\na dog\tnoun\tan animal\ta thing\n',
      )
      const prompt = '{"question": "a dog", "kind": "noun"}'
      const { responses } = await score(
        folder,
        run,
        '--prompt',
        prompt,
        '--response',
        'an animal',
        '--file',
        'mixed.csv',
      )
      expect(responses.map((one) => one.prompt)).to.deep.equal([
        'a dog (noun):',
        'a dog (noun):',
        'the sea (noun):',
      ])
      expect(responses[0]!.score).to.be.closeTo(responses[1]!.score, 1e-6)
      const { pairs } = await score(folder, join(run, 'checkpoints', 'best'), '--file', 'pairs.tsv')
      expect(pairs.length).to.equal(1)
      expect(pairs[0]!.scores.chosen).to.be.closeTo(responses[0]!.score, 1e-5)

      const mistake = await runHere(folder, 'score', run, '--prompt', 'a dog', '--response', 'x')
      expect(mistake.stderr).to.match(
        /^ortune: the prompt is no JSON object of the columns .* write {"question"/,
      )
      expect(mistake.code).to.equal(2)
    })
  })

  it('scores with a merged model, which has no template: texts are read as they are', async () => {
    await withFolder(async (folder) => {
      const { run } = await createRewardModel(folder)
      expect((await runHere(folder, 'merge', run, '--out', 'merged')).stderr).to.equal('')
      const { responses } = await score(folder, run, '--prompt', 'a dog', '--response', 'an animal')
      const [{ prompt, response, score: expected }] = responses as [Result['responses'][number]]
      const same = await score(folder, 'merged', '--prompt', prompt, '--response', response)
      expect(same.responses[0]!.score).to.be.closeTo(expected, 1e-4)
      await writeFile(
        join(folder, 'texts.jsonl'),
        `${JSON.stringify({ prompt, response })}\n${JSON.stringify({ prompt, chosen: response, rejected: ' no' })}\n`,
      )
      const both = await score(folder, 'merged', '--file', 'texts.jsonl')
      expect(both.responses[0]!.score).to.be.closeTo(expected, 1e-4)
      expect(both.pairs[0]!.scores.chosen).to.be.closeTo(expected, 1e-4)
    })
  })

  it('reads conversations', async () => {
    await withFolder(async (folder) => {
      const say = (role: string, content: string) => [{ role, content }]
      const chats = rows.map(({ question, chosen, rejected }) => ({
        prompt: say('user', question),
        chosen: say('assistant', chosen),
        rejected: say('assistant', rejected),
      }))
      const { run } = await createRewardModel(folder, chats, { max_steps: 1 })
      const { pairs } = await score(folder, run, '--file', 'rows.jsonl')
      const { responses } = await score(
        folder,
        run,
        '--prompt',
        'a dog',
        '--response',
        'an animal',
        'a thing',
      )
      expect(responses.map((one) => one.prompt)).to.deep.equal([pairs[0]!.prompt, pairs[0]!.prompt])
      expect(responses[0]!.score).to.be.closeTo(pairs[0]!.scores.chosen, 1e-5)
      expect(responses[1]!.score).to.be.closeTo(pairs[0]!.scores.rejected, 1e-5)
    })
  })

  it('ends with code 2 and one sentence where something is wrong', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createRewardModel(folder, rows, { max_steps: 1 })
      const labels = ['bad', 'good', 'neither'].map((label) => ({ text: `a ${label} thing`, label }))
      const options = { task: 'classification', max_steps: 1 }
      const classifier = await createTinyRun(join(folder, 'classes'), labels, options)
      await continueRun(classifier.run)
      await writeFile(join(folder, 'other.jsonl'), '{"word": "dog"}\n')
      await writeFile(join(folder, 'number.jsonl'), '{"question": "dog", "response": 7}\n')
      const cases: [string[], RegExp][] = [
        [[run], /there is no response to score; give --prompt and --response, or --file/],
        [[run, '--prompt', 'a'], /there is a prompt and no response to it; give --response/],
        [[run, '--response', 'a'], /there is no prompt that the response is to; give --prompt/],
        [[run, '--file', 'nowhere.jsonl'], /nowhere\.jsonl does not exist/],
        [[run, '--file', 'other.jsonl'], /other\.jsonl, row 1: the (prompt|chosen) template uses "\w+"/],
        [[run, '--file', 'number.jsonl'], /number\.jsonl, row 1: there is no text in column "response"/],
        [[run, '--checkpoint', 'base', '--response', 'a'], /the model before training has no head/],
        [
          [model, '--response', 'a'],
          /model is a language model, which writes texts and scores none; name a run of/,
        ],
        [[classifier.run, '--response', 'a'], /is a classifier of 3 classes, for "ortune classify"/],
      ]
      for (const [args, says] of cases) {
        const { code, stdout, stderr } = await runHere(folder, 'score', ...args)
        expect(stderr).to.match(says)
        expect(stderr).to.match(/^ortune: .+\n$/)
        expect(stdout).to.equal('')
        expect(code).to.equal(2)
      }
      const { stderr, code } = await runHere(folder, 'classify', run, '--text', 'a')
      expect(stderr).to.match(/is a reward model, which knows no classes; use "ortune score" instead\n$/)
      expect(code).to.equal(2)
    })
  })
})
