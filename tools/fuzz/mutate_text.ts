/**
 * Damage to text: what parsers of text stumble over, at any place.
 * @module
 */
import type { Random } from '../../src/random.ts'

/** Written at some place; where there is a number, so often. */
const SNIPPETS: readonly (string | readonly [text: string, times: number])[] = [
  ...[
    '"',
    "'",
    '\\',
    ',',
    ':',
    '\t',
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    ' ',
    '\0',
    '\uFEFF',
    '\u2028',
    '\uFDD0',
    '-',
    '=',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '{}',
    '[]',
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    'null',
    'true',
    '-1',
    '1e308',
    '1e999',
    '0x10',
  ],
  ...[
    '9007199254740993',
    '__proto__',
    '"__proto__":1,',
    'constructor',
    '\x1b]0;x\x07',
    '\x9b2J',
    '\u202E',
    '💥',
  ],
  ...[
    '&a ',
    '*a ',
    '<<: *a\n',
    '? ',
    '- ',
    '|',
    '>',
    '!!binary ',
    '!!js/function ',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
    '#',
  ],
  ...[
    '(a+)+$',
    '\\p{L}',
    '(?<=',
    '(?!',
    '<|endoftext|>',
    '[CLS]',
    '{{ a.b }}',
    '{{ a | upper }}',
    '{% for i in a %}',
  ],
  ['[', 50_000],
  ['{"a":', 5000],
  ['- ', 5000],
  ['{a: ', 5000],
  ['x', 100_000],
  [' ', 100_000],
  ['\n', 10_000],
  ['"', 10_000],
  [',', 10_000],
  ['\u0301', 1000],
  ['{{ a }}', 2000],
  ['((', 5000],
]

function snippet(random: Random): string {
  const found = SNIPPETS[random.integer(SNIPPETS.length)]!
  return typeof found === 'string' ? found : found[0].repeat(1 + random.integer(found[1]))
}

/** Puts something in a text, in place of a stretch of it or not, or mixes up its lines. */
export function damageText(file: Uint8Array, random: Random): Uint8Array {
  const text = new TextDecoder().decode(file)
  return new TextEncoder().encode(random.integer(5) === 0 ? damageLines(text, random) : damaged(text, random))
}

function damaged(text: string, random: Random): string {
  const at = random.integer(text.length + 1)
  const gone = random.integer(3) === 0 ? random.integer(20) : 0
  return text.slice(0, at) + snippet(random) + text.slice(at + gone)
}

function damageLines(text: string, random: Random): string {
  const lines = text.split('\n')
  const line = () => random.integer(lines.length)
  const taken = lines[line()]!
  lines.splice(line(), random.integer(2), ...Array.from({ length: random.integer(20) }, () => taken))
  return lines.join('\n')
}
