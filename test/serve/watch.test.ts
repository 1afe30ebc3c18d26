import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { withLock } from '../../src/formats/lock.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { truncateRecords } from '../../src/runs/log.ts'
import type { RunAbout } from '../../src/serve/about.ts'
import { aboutRun } from '../../src/serve/about.ts'
import type { Watched } from '../../src/serve/watched.ts'
import { checkWatched, watchRoutes } from '../../src/serve/watched.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'
import { ask, withServer } from './asking.ts'

interface Event {
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** A browser's connection to events, which reads until it has seen what is waited for. */
async function watching(url: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const controller = new AbortController()
  const response = await fetch(new URL(path, url), { headers, signal: controller.signal })
  const events: Event[] = []
  let text = ''
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      text += value
      const whole = text.split('\n\n')
      text = whole.pop()!
      for (const one of whole) {
        const fields = Object.fromEntries(
          one.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
        )
        if (fields['event']) events.push({ ...fields, data: JSON.parse(fields['data']!) } as Event)
      }
    }
  })().catch(() => undefined)
  return {
    response,
    events,
    named: (name: string) => events.filter(({ event }) => event === name),
    /** Steps that stand after the last reset. */
    steps: () => {
      const from = events.findLastIndex(({ event }) => event === 'reset') + 1
      return events
        .slice(from)
        .filter(({ event }) => event === 'records')
        .flatMap(({ data }) => (data as { step: number }[]).map(({ step }) => step))
    },
    last: () => events.findLast(({ id }) => id !== undefined)?.id,
    async until(seen: () => boolean, what: string) {
      for (let i = 0; !seen(); i++) {
        if (i > 400) throw new Error(`it never came to this: ${what}; there was ${JSON.stringify(events)}`)
        await setTimeout(10)
      }
    },
    async close() {
      controller.abort()
      await reading
    },
  }
}

const config = (more: object = {}) =>
  JSON.stringify({
    ...readConfig({
      model: 'm',
      output_dir: 'run',
      data: [{ path: 'a.csv', split: { all: 'train' } }],
      max_steps: 40,
      learning_rate: 1e-3,
    }),
    ...more,
  })

const line = (step: number) =>
  `${JSON.stringify({ step, epoch: step / 10, loss: 4 - step / 20, grad_norm: 1, learning_rate: 1e-3, tokens: 9 })}\n`

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join('')

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const withRun = (use: (run: string, log: string) => Promise<void>) =>
  withFolder(async (folder) => {
    const run = join(folder, 'run')
    await mkdir(run)
    await writeFile(join(run, 'training.json'), config())
    await use(run, join(run, 'log.jsonl'))
  })

const EVENTS = '/runs/run/events'

describe('a run that is watched', () => {
  it('tells what there is, and each line as it is written, half ones when they are whole', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 3) + '{"step":4,"lo')
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        expect(watch.response.headers.get('content-type')).to.equal('text/event-stream')
        await watch.until(() => watch.named('live').length > 0, 'live')
        expect(watch.events.map(({ event }) => event)).to.deep.equal(['about', 'records', 'live'])
        expect(watch.steps()).to.deep.equal([1, 2, 3])
        await appendFile(log, 'ss":1,"note":"none","all":[1,2]}\nno record\n{"step":"5"}\n[]\n')
        await watch.until(() => watch.steps().length === 4, 'step 4')
        expect(watch.named('records').at(-1)!.data).to.deep.equal([{ step: 4, loss: 1 }])
        await appendFile(log, lines(5, 8))
        await watch.until(() => watch.steps().length === 8, 'step 8')
        expect(watch.steps()).to.deep.equal(range(1, 8))
        expect(watch.named('reset')).to.have.length(0)
        await watch.close()
      })
    }))

  it('begins before there is a log', () =>
    withRun(async (run, log) => {
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        await watch.until(() => watch.named('live').length > 0, 'live')
        await writeFile(log, lines(1, 2))
        await watch.until(() => watch.steps().length === 2, 'both steps')
        await watch.close()
      })
    }))

  it('says so when its log is shortened or begun anew, and tells what stands there now', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 9))
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        await watch.until(() => watch.steps().length === 9, 'nine steps')
        // As a resumed run does it.
        await truncateRecords(log, 6)
        await watch.until(() => watch.steps().length === 6, 'six steps')
        await appendFile(log, lines(7, 8))
        await watch.until(() => watch.steps().length === 8, 'eight steps')
        expect(watch.steps()).to.deep.equal(range(1, 8))
        // Shortened, and longer than before when it is looked at: other lines, of the same length.
        const other = lines(1, 30).replaceAll('"grad_norm":1', '"grad_norm":2')
        await writeFile(`${log}.new`, other)
        await rename(`${log}.new`, log)
        await watch.until(() => watch.steps().length === 30, 'thirty steps')
        expect(watch.steps()).to.deep.equal(range(1, 30))
        expect(watch.named('reset')).to.have.length(2)
        await truncate(log, 0)
        await watch.until(() => watch.named('reset').length === 3, 'the third reset')
        await rm(log)
        await writeFile(log, lines(1, 1))
        await watch.until(() => watch.steps().length === 1, 'one step')
        await watch.close()
      })
    }))

  it('goes on where a browser lost it, with nothing told twice', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 5))
      await withServer(watchRoutes(run), async (url) => {
        const first = await watching(url, EVENTS)
        await first.until(() => first.steps().length === 5, 'five steps')
        await first.close()
        await appendFile(log, lines(6, 7))
        for (const [path, headers] of [
          [EVENTS, { 'Last-Event-ID': first.last()! }],
          [`${EVENTS}?after=${first.last()!}`, {}],
        ] as const) {
          const second = await watching(url, path, headers)
          await second.until(() => second.named('live').length > 0, 'live')
          expect(second.steps()).to.deep.equal([6, 7])
          expect(second.named('reset')).to.have.length(0)
          await second.close()
        }
        // Meanwhile it went back to step 3: what was told counts no more.
        await truncateRecords(log, 3)
        for (const id of [first.last()!, 'nonsense', '99999-0123456789ab', '-1', '12-xyz']) {
          const third = await watching(url, EVENTS, { 'Last-Event-ID': id })
          await third.until(() => third.named('live').length > 0, 'live')
          expect(third.named('reset'), id).to.have.length(1)
          expect(third.steps(), id).to.deep.equal([1, 2, 3])
          await third.close()
        }
      })
    }))

  it('tells many at once the same, and a long log in parts', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 6000))
      await withServer(watchRoutes(run), async (url) => {
        const all = await Promise.all(range(1, 20).map(() => watching(url, EVENTS)))
        for (const one of all) await one.until(() => one.steps().length === 6000, 'all steps')
        expect(all[0]!.named('records').length).to.be.greaterThan(1)
        await appendFile(log, lines(6001, 6002))
        for (const one of all) {
          await one.until(() => one.steps().length === 6002, 'two more')
          expect(one.steps()).to.deep.equal(range(1, 6002))
        }
        for (const one of all) await one.close()
      })
    }))

  it('passes over a line that is longer than any of a log', () =>
    withRun(async (run, log) => {
      await writeFile(log, `${line(1)}{"step":2,"text":"${'x'.repeat(2 ** 24)}"}\n${line(3)}`)
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        await watch.until(() => watch.steps().length === 2, 'the others')
        expect(watch.steps()).to.deep.equal([1, 3])
        await watch.close()
      })
    }))

  it('is let go of when a browser closes, and lets go when it is ended', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 2))
      await withServer(watchRoutes(run), async (url, server) => {
        // Many times more than may be open at once.
        for (let i = 0; i < 12; i++) {
          const some = await Promise.all(range(1, 40).map(() => watching(url, EVENTS)))
          expect(some.map(({ response }) => response.status)).to.satisfy((all: number[]) =>
            all.every((s) => s === 200),
          )
          for (const one of some) await one.close()
          await setTimeout(20)
        }
        const last = await watching(url, EVENTS)
        await last.until(() => last.named('live').length > 0, 'live')
        await server.close()
        await last.close()
      })
    }))

  it('says whether it runs, where its checkpoints stand, and what it wrote', () =>
    withRun(async (run) => {
      const idle = await aboutRun(run)
      expect(idle).to.deep.include({ name: 'run', task: 'sft', running: false, maxSteps: 40, samples: [] })
      expect(idle.checkpoints).to.deep.equal({ last: null, best: null, stoppedEarly: false })
      expect(idle.panels[0]!.curves).to.deep.equal({ training: 'loss', validation: 'eval_loss' })
      expect(Object.keys(idle.chosen)).to.have.members([
        'max_steps',
        'learning_rate',
        'model',
        'output_dir',
        'data',
      ])
      expect(idle.defaults).to.deep.include({ task: 'sft', num_train_epochs: 3 })
      expect(Object.values(idle.defaults)).not.to.include(null)

      for (const [name, step] of [
        ['last', 20],
        ['best', 10],
      ] as const) {
        await mkdir(join(run, 'checkpoints', name), { recursive: true })
        const state = { global_step: step, best_metric: 3.5, evaluations_without_improvement: 2 }
        await writeFile(join(run, 'checkpoints', name, 'trainer_state.json'), JSON.stringify(state))
      }
      await writeFile(join(run, 'training.json'), config({ early_stopping_patience: 2 }))
      const samples = range(1, 30).map((step) => ({
        step,
        prompt: 'p',
        response: 'ö'.repeat(3000),
        score: 0.5,
      }))
      await writeFile(
        join(run, 'rollouts.jsonl'),
        `${samples.map((sample) => `${JSON.stringify(sample)}\n`).join('')}{"step":31`,
      )
      await withLock(join(run, '.lock'), run, async () => {
        const about = await aboutRun(run)
        expect(about.running).to.equal(true)
        expect(about.checkpoints).to.deep.equal({
          last: { step: 20 },
          best: { step: 10, metric: 'eval_loss', value: 3.5 },
          stoppedEarly: true,
        })
        expect(about.samples.at(-1)).to.deep.equal(samples.at(-1))
        expect(about.samples.length).to.be.within(8, 12)
      })
      const gone = { pid: 2 ** 22 - 1, host: hostname(), started: '1', since: 'then' }
      await writeFile(join(run, '.lock'), JSON.stringify(gone))
      expect((await aboutRun(run)).running).to.equal(false)
    }))

  it('is told of whatever the name of its folder', () =>
    withFolder(async (folder) => {
      for (const name of ['run-12:30:05', '.hid', '...', 'a\\b', '%2e%2e', 'ö #?&', 'one\ntwo']) {
        const run = join(folder, name)
        await mkdir(run)
        await writeFile(join(run, 'training.json'), config())
        await writeFile(join(run, 'log.jsonl'), lines(1, 2))
        await withServer(watchRoutes(run), async (url) => {
          const watch = await watching(url, `/runs/${encodeURIComponent(name)}/events`)
          expect(watch.response.status, name).to.equal(200)
          await watch.until(() => watch.steps().length === 2, 'both steps')
          await watch.close()
          for (const other of ['%2e%2e', `..%2f${encodeURIComponent(name)}`, `%2f${name}`, '%00', '.', ''])
            if (other !== name)
              expect((await ask(url, `/runs/${encodeURI(other)}/events`)).status, other).to.equal(404)
        })
      }
    }))

  it('says what of it is missing, and goes on when it is there again', () =>
    withRun(async (run, log) => {
      await mkdir(log)
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        const says = () => watch.named('trouble').map(({ data }) => (data as { says: string }).says)
        await watch.until(() => says().length === 1, 'trouble')
        expect(says()[0]).to.match(/log\.jsonl is a folder where a file is wanted/)
        await rm(log, { recursive: true })
        await writeFile(log, lines(1, 2))
        await watch.until(() => watch.steps().length === 2, 'both steps')
        await rename(join(run, 'training.json'), join(run, 'other.json'))
        await watch.until(() => says().length === 2, 'trouble with training.json')
        expect(says()[1]).to.equal(`${run} has no training.json any more`)
        await rename(join(run, 'other.json'), join(run, 'training.json'))
        await watch.until(() => watch.events.at(-1)!.event === 'live', 'live again')
        await appendFile(log, lines(3, 3))
        await watch.until(() => watch.steps().length === 3, 'the third step')
        await rename(run, `${run}-elsewhere`)
        await watch.until(() => says().length === 3, 'trouble with the folder')
        expect(says()[2]).to.equal(`the folder ${run} is not there any more`)
        const late = await watching(url, EVENTS)
        await late.until(() => late.events.length > 0, 'trouble at once')
        expect(late.events[0]).to.deep.equal({ event: 'trouble', data: { says: says()[2] } })
        await late.close()
        await rename(`${run}-elsewhere`, run)
        await watch.until(() => watch.events.at(-1)!.event === 'live', 'live again')
        expect(watch.steps()).to.deep.equal([1, 2, 3])
        await watch.close()
      })
    })).timeout(20_000)

  it('is told to so many at a time, and no more', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 2))
      await withServer(watchRoutes(run), async (url) => {
        const all = await Promise.all(range(1, 210).map(() => watching(url, EVENTS)))
        const statuses = all.map(({ response }) => response.status)
        expect(statuses.filter((status) => status === 200)).to.have.length(200)
        expect(statuses.filter((status) => status === 503)).to.have.length(10)
        for (const one of all) await one.close()
      })
    }))

  it('tells when what is known of it changes', () =>
    withRun(async (run) => {
      await withServer(watchRoutes(run), async (url) => {
        const watch = await watching(url, EVENTS)
        await watch.until(() => watch.named('live').length > 0, 'live')
        await withLock(join(run, '.lock'), run, () =>
          watch.until(() => (watch.named('about').at(-1)!.data as RunAbout).running, 'running'),
        )
        await watch.until(() => !(watch.named('about').at(-1)!.data as RunAbout).running, 'stopped')
        expect(watch.named('about')).to.have.length(3)
        await watch.close()
      })
    }))

  it('has nothing to write by, and no file of its folder to read', () =>
    withRun(async (run, log) => {
      await writeFile(log, lines(1, 2))
      await withServer(watchRoutes(run), async (url) => {
        for (const path of [
          '/log.jsonl',
          '/runs/run/log.jsonl',
          '/runs/run',
          '/runs/..%2frun/events',
          '/runs/other/events',
        ])
          expect((await ask(url, path)).status, path).to.equal(404)
        expect((await ask(url, EVENTS, { method: 'POST' })).status).to.equal(405)
        expect((await ask(url, EVENTS, { method: 'HEAD' })).status).to.equal(200)
        expect((await ask(url, EVENTS, { headers: { Host: 'evil.example' } })).status).to.equal(403)
      })
    }))
})

describe('a folder that is watched', () => {
  const describeRuns = (folder: string) =>
    withServer(
      watchRoutes(folder),
      async (url) => JSON.parse((await ask(url, '/watched.json')).text) as Watched,
    )

  it('is a run', () =>
    withRun(async (run) => {
      await checkWatched(run)
      expect(await describeRuns(run)).to.deep.equal({
        name: 'run',
        kind: 'run',
        runs: [{ name: 'run', running: false, step: null, metric: null, best: null }],
      })
    }))

  for (const [kind, file, within] of [
    ['sweep', 'sweep.json', ''],
    ['curriculum', 'curriculum.json', 'stages'],
  ] as const)
    it(`is a ${kind} with the runs that have begun, new ones too`, () =>
      withFolder(async (folder) => {
        await writeFile(join(folder, file), '{}')
        const begin = async (name: string) => {
          await mkdir(join(folder, within, name), { recursive: true })
          await writeFile(join(folder, within, name, 'training.json'), config())
          await writeFile(join(folder, within, name, 'log.jsonl'), line(1))
        }
        await checkWatched(folder)
        expect((await describeRuns(folder)).runs).to.deep.equal([])
        await begin('10-last one')
        await begin('9-first')
        await mkdir(join(folder, within, '.11-being-made'))
        const { runs, kind: found } = await describeRuns(folder)
        expect(found).to.equal(kind)
        expect(runs.map(({ name }) => name)).to.have.members(['9-first', '10-last one'])
        if (kind === 'curriculum') expect(runs[0]!.name).to.equal('9-first')
        await withServer(watchRoutes(folder), async (url) => {
          const watch = await watching(url, '/runs/10-last%20one/events')
          await watch.until(() => watch.steps().length === 1, 'its step')
          await watch.close()
        })
      }))

  it('is refused in one sentence where it is none', () =>
    withFolder(async (folder) => {
      const says = async (path: string) => {
        const { name, message } = await rejection(checkWatched(path))
        expect(name).to.equal('UserError')
        return message
      }
      expect(await says(join(folder, 'nowhere'))).to.match(/nowhere does not exist; name the folder of a run/)
      expect(await says(folder)).to.match(/is no training run; name the output_dir of one/)
      await writeFile(join(folder, 'training.json'), '{')
      expect(await says(join(folder, 'training.json'))).to.match(/is a file; name the folder/)
      expect(await says(folder)).to.match(/training\.json/)
    }))
})
