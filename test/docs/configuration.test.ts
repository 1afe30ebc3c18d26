import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

import { expect } from 'chai'
import { z } from 'zod'

import { TASK_NAMES } from '../../src/tasks/index.ts'
import { configurationPage, keyTable } from '../../tools/docs/configuration.ts'
import { jsonSchema } from '../../src/json_schema.ts'
import { typeText } from '../../src/schema_words.ts'
import { docs, writtenPages } from '../../tools/docs/pages.ts'

describe('the reference of configurations', () => {
  it('is what the schemas give, as are the tables on the pages of tasks', async () => {
    for (const [path, text] of await writtenPages())
      expect(
        readFileSync(path, 'utf8'),
        `${relative(docs, path)} is out of date; run "npm run docs:configuration"`,
      ).to.equal(text)
  })

  it('has a section for every task', () => {
    const page = configurationPage()
    for (const name of TASK_NAMES) expect(page).to.include(`\n### ${name}\n`)
  })

  it('wants a meaning of every key', () => {
    const schema = z.strictObject({ known: z.boolean().describe('Known.'), silent: z.boolean() })
    expect(() => keyTable(jsonSchema(schema), 'here.')).to.throw('here.silent has no meaning')
  })

  for (const [words, schema] of [
    ['whole number, ≥ 1, ≤ 1e9', z.int().min(1).max(1e9)],
    ['number, > 0, < 0.5', z.number().positive().lt(0.5)],
    ['text, or `null`', z.string().min(1).nullable()],
    ['`full`, or list of texts', z.union([z.literal('full'), z.array(z.string())])],
    ['`a`, `b`', z.enum(['a', 'b'])],
  ] as const)
    it(`says "${words}"`, () => expect(typeText(jsonSchema(schema))).to.equal(words))
})
