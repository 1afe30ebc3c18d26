import { expect } from 'chai'
import fc from 'fast-check'

import { columnsProgram } from '../../src/data/templates/columns_program.ts'
import { nunjucksProgram } from '../../src/data/templates/nunjucks_program.ts'
import type { Program } from '../../src/data/templates/program.ts'
import { ROW } from '../../src/data/templates/program.ts'

/** What a program makes of a row, or says of it. */
function outcome(program: Program, row: Readonly<Record<string, unknown>>): string {
  try {
    return `writes ${program.run(program.readsRow ? { [ROW]: row, ...row } : row)}`
  } catch (error) {
    return `says ${(error as Error).message.replace(/^Error: /, '')}`
  }
}

const NAMES = [
  'a',
  '_b2',
  'row',
  'range',
  'toString',
  'loop',
  'true',
  'none',
  'if',
  'constructor',
  'a-b',
  '2',
]
const name = fc.constantFrom(...NAMES)
const blanks = fc.constantFrom('', ' ', '  ', '\n', '\t', '\r\n')
const text = fc.oneof(fc.constantFrom('{', '}', '}}', '%}', '#}', '{ {', '\n', '\\', '"', '-'), fc.string())
const column = fc.oneof(
  name,
  fc
    .constantFrom('a', 'row', 'constructor', 'a-b', 'Review Text', 'é', '}', 'a\\"')
    .map((of) => `row["${of}"]`),
)
const output = fc.tuple(blanks, column, blanks).map(([before, what, after]) => `{{${before}${what}${after}}}`)
const code = fc.constantFrom(
  '{{ a | upper }}',
  '{% if a %}',
  '{% endif %}',
  '{# a #}',
  '{{- a -}}',
  '{{ a.b }}',
)
const piece = fc.oneof(
  { weight: 5, arbitrary: text },
  { weight: 5, arbitrary: output },
  { weight: 1, arbitrary: code },
)
const template = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.jsonValue())
const row = fc.dictionary(fc.constantFrom(...NAMES, 'Review Text', 'é'), value)

describe('data/columns_program', () => {
  it('needs what nunjucks needs, and writes and says what nunjucks does (property)', () => {
    let known = 0
    fc.assert(
      fc.property(template, row, (source, columns) => {
        const ours = columnsProgram(source)
        if (!ours) return
        known++
        const theirs = nunjucksProgram(source, 'text')
        expect({ ...ours, run: 0 }, source).to.deep.equal({ ...theirs, run: 0 })
        const missing = [...ours.named, ...ours.ofRow].some((needed) => !Object.hasOwn(columns, needed))
        if (!missing) expect(outcome(ours, columns), source).to.equal(outcome(theirs, columns))
      }),
      { numRuns: 3000 },
    )
    expect(known).to.be.greaterThan(500)
  })

  it('takes texts and columns, and leaves all else to nunjucks', () => {
    for (const source of ['', 'a } b', '{{ a }}{{a}}}', 'x {{ row["Review Text"] }}\n', '{ {{ a }}'])
      expect(columnsProgram(source), source).not.to.equal(undefined)
    for (const source of [
      '{{{ a }}}',
      '{{ a | upper }}',
      '{# a #}',
      '{{ true }}',
      '{{ a',
      '{{ row["__proto__"] }}',
    ])
      expect(columnsProgram(source), source).to.equal(undefined)
  })
})
