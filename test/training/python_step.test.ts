import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { expect } from 'chai'

import type { StepRecord } from '../../src/learning/listeners.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { itWhere } from '../it_where.ts'
import type { PythonSteps } from './python_step_runs.ts'
import { createTenSteps, examplesOf, fixture, rates, script } from './python_step_runs.ts'

// ORTUNE_PYTHON=python3 names an interpreter with onnxruntime, numpy and safetensors.
const python = process.env['ORTUNE_PYTHON']
const itInPython = itWhere(python !== undefined, 'ORTUNE_PYTHON is not set')

/** What the page shows of the script. */
const snippet = (): string => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/training_elsewhere.md'), 'utf8')
  return /```python\n([\s\S]*?)```/.exec(page)![1]!
}

describe('ten steps by hand in Python', () => {
  it('are shown on the page in the words of the script', () => {
    const lines = (text: string) => text.split('\n').map((line) => line.trim())
    const known = new Set(lines(readFileSync(script, 'utf8')))
    expect(lines(snippet()).filter((line) => !known.has(line))).to.deep.equal([])
    expect(snippet()).to.include('optimizer.run')
  })

  itInPython('are taken by what the page shows', () =>
    withFolder(async (folder) => {
      const run = await createTenSteps(folder, 'lora')
      const given = [
        'import sys; from pathlib import Path',
        `sys.path.append(${JSON.stringify(dirname(script))}); from python_step import collate`,
        `folder, examples = Path(${JSON.stringify(run)}), ${JSON.stringify(examplesOf(run))}`,
        `steps, learning_rate = 10, ${rates.lora}`,
      ]
      const program = [...given, snippet(), 'print(loss)'].join('\n')
      const { stdout } = await promisify(execFile)(python!, ['-c', program])
      const { steps } = JSON.parse(await readFile(fixture, 'utf8')) as PythonSteps
      expect(Number(stdout)).to.be.closeTo(steps.lora.at(-1)!.loss, 1e-5)
    }),
  )

  for (const name of ['lora', 'full'] as const) {
    it(`are those of a run: ${name}`, () =>
      withFolder(async (folder) => {
        const run = await createTenSteps(folder, name)
        const steps: StepRecord[] = []
        await continueRun(run, { step: (record) => steps.push(record) })
        const { examples, steps: expected } = JSON.parse(await readFile(fixture, 'utf8')) as PythonSteps
        expect(examplesOf(run)).to.deep.equal(examples)
        expect(steps).to.have.length(10)
        for (const [i, { step, loss, grad_norm }] of steps.entries()) {
          expect(step).to.equal(expected[name][i]!.step)
          expect(loss, `loss of step ${step}`).to.be.closeTo(expected[name][i]!.loss, 1e-5)
          expect(grad_norm, `norm of step ${step}`).to.be.closeTo(expected[name][i]!.grad_norm, 1e-5)
        }
      }))

    itInPython(`are taken by the script: ${name}`, () =>
      withFolder(async (folder) => {
        const run = await createTenSteps(folder, name)
        await continueRun(run)
        const examples = join(folder, 'examples.json')
        await writeFile(examples, JSON.stringify(examplesOf(run)))
        const given = [run, examples, '--learning-rate', String(rates[name]), '--log', join(run, 'log.jsonl')]
        const { stdout } = await promisify(execFile)(python!, [script, ...given])
        expect(stdout.trim().split('\n')).to.have.length(10)
      }),
    )
  }
})
