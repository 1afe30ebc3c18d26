import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { expect } from 'chai'

import { readPrompts } from '../../src/cli/prompts.ts'
import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { fingerprint } from '../../src/data/sets/fingerprint.ts'
import { readJsonArray } from '../../src/data/sources/json_array.ts'
import { readJsonl } from '../../src/data/sources/jsonl.ts'
import { readParquet } from '../../src/data/sources/parquet.ts'
import { fileAt } from '../../src/formats/disk_file.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { readGivenText, readJson, readText } from '../../src/formats/read_file.ts'
import { readSafetensorsHeader } from '../../src/formats/safetensors.ts'
import { digestOf } from '../../src/formats/sealed.ts'
import { inspect } from '../../src/report/inspection.ts'
import { readEvaluations, truncateRecords } from '../../src/runs/log.ts'
import { collect, userError, withFolder } from '../data/helpers.ts'
import { itWhere } from '../it_where.ts'

const hasPipes = process.platform !== 'win32'

/** Whatever opens a file of the user's. */
const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  text: readText,
  JSON: readJson,
  digest: digestOf,
  fingerprint: (path) => fingerprint([fileAt(path)], {}),
  safetensors: readSafetensorsHeader,
  ONNX: inspect,
  log: readEvaluations,
  'log that is healed': (path) => truncateRecords(path, 1),
  'JSON lines': (path) => collect(readJsonl(fileAt(path))),
  'JSON array': (path) => collect(readJsonArray(fileAt(path))),
  Parquet: (path) => collect(readParquet(fileAt(path))),
  'data set': async (path) => openArrowDataset(path),
}

describe('files that are read', () => {
  it('are no configurations where they are longer than any, however many classes they name', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'config.json')
      const names = Array.from({ length: 1_500_000 }, (_, i) => `"${i}":"l${i}"`)
      writeFileSync(path, `{"model_type":"bert","id2label":{${names.join(',')}}}`)
      const before = performance.now()
      expect(await userError(() => readModelConfig(path))).to.match(
        /config\.json has \d+ bytes, and a file .* may have 16777216/,
      )
      expect(performance.now() - before).to.be.lessThan(1000)
    }))

  for (const [what, read] of Object.entries(readers)) {
    itWhere(hasPipes, 'Windows has no pipes with names')(
      `of the kind ${what} are neither pipes nor devices`,
      () =>
        withFolder(async (folder) => {
          const pipe = join(folder, 'pipe')
          execFileSync('mkfifo', [pipe])
          for (const path of [pipe, '/dev/zero'])
            expect(await userError(() => read(path))).to.equal(
              `${path} is no regular file (a pipe or a device); name a file`,
            )
        }),
    )
  }

  itWhere(hasPipes, 'Windows has no pipes with names')(
    'may be pipes where a user names them on the command line',
    () =>
      withFolder(async (folder) => {
        const pipe = join(folder, 'pipe')
        execFileSync('mkfifo', [pipe])
        const written = promisify(execFile)('sh', ['-c', `printf 'a fox\\nan owl\\n' > ${pipe}`])
        expect(await readPrompts([], pipe)).to.deep.equal(['a fox', 'an owl'])
        await written
        const endless = promisify(execFile)('sh', ['-c', `cat /dev/zero > ${pipe}`]).catch(() => undefined)
        expect(await userError(() => readGivenText(pipe))).to.match(/gives more than 67108864 bytes/)
        await endless
      }),
  )

  it('are not folders, and not endless where they are read whole', () =>
    withFolder(async (folder) => {
      const [inner, large] = [join(folder, 'inner'), join(folder, 'large.json')]
      mkdirSync(inner)
      expect(await userError(() => readText(inner))).to.include('is a folder where a file is wanted')
      writeFileSync(large, '')
      truncateSync(large, 2 ** 29 + 1)
      expect(await userError(() => readText(large))).to.match(/has 536870913 bytes, .* may have 536870912/)
      expect(await userError(() => readJson(large))).to.match(/has 536870913 bytes, .* may have 16777216/)
    }))
})
