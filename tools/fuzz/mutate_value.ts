/**
 * Damage to a JSON value: a part of it is replaced, removed, doubled or called otherwise.
 * @module
 */
import type { Random } from '../../src/random.ts'

type Parent = Record<string, unknown>

/** Texts that stand for what has no JSON value of its own, and are replaced when it is printed. */
const DEEP = '\uE000deep\uE000'
const TWICE = '\uE000twice\uE000'

const hostile = (random: Random): unknown => {
  const values: readonly unknown[] = [
    ...[
      null,
      true,
      false,
      0,
      -0,
      -1,
      1,
      2,
      0.5,
      -0.5,
      1e-300,
      1e308,
      1e15,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      -(2 ** 53),
    ],
    ...[
      '',
      ' ',
      '0',
      '-1',
      '1e9',
      'null',
      'x',
      '\0',
      '\x1b[2J\x9b2J',
      '\u202E',
      '\uD800',
      '\uFDD0',
      '💥',
      '__proto__',
    ],
    ...[
      'constructor',
      'toString',
      '../../../etc/passwd',
      '/dev/zero',
      '(a+)+$',
      '(\\w*\\s*)*x',
      '{{ a.b }}',
      '{% if',
    ],
    ...[
      '<|endoftext|>',
      'F32',
      'BPE',
      'Split',
      'Sequence',
      'x'.repeat(1000),
      'x'.repeat(100_000),
      'a b '.repeat(10_000),
    ],
    ...[
      [],
      {},
      [[]],
      [null],
      [0],
      [''],
      [-1, 2 ** 53],
      { '': 0 },
      { length: 1e9 },
      JSON.parse('{"__proto__": {"a": 1}}') as unknown,
    ],
    ...[Array.from({ length: 10_000 }, () => 0), Array.from({ length: 1000 }, () => ({})), DEEP, DEEP],
    Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i])),
  ]
  return values[random.integer(values.length)]
}

/** A copy of the value with one part damaged. */
export function damageValue(value: unknown, random: Random): unknown {
  const copy = structuredClone(value)
  const places = placesIn(copy)
  if (places.length === 0) return hostile(random)
  const place = () => places[random.integer(places.length)]!
  const [parent, key] = place()
  switch (random.integer(8)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(key), 1)
      else delete parent[key]
      break
    case 1: {
      // From elsewhere in the file; a copy, so that nothing holds itself.
      const [other, from] = place()
      set(parent, key, structuredClone(other[from]))
      break
    }
    case 2: {
      const names = [
        '__proto__',
        'constructor',
        '',
        'x'.repeat(1000),
        '\x1b[31m',
        key.toUpperCase(),
        `${key}s`,
        TWICE,
      ]
      if (!Array.isArray(parent)) set(parent, names[random.integer(names.length)]!, parent[key])
      break
    }
    case 3:
      if (Array.isArray(parent))
        parent.push(...Array.from({ length: random.integer(50) }, () => parent[Number(key)] as unknown))
      else set(parent, key, [parent[key]])
      break
    case 4: {
      const part = parent[key]
      if (typeof part === 'number')
        set(parent, key, [part + 1, part - 1, -part, part * 1e6, part / 3][random.integer(5)])
      else if (typeof part === 'string') set(parent, key, part.slice(random.integer(part.length + 1)))
      else set(parent, key, hostile(random))
      break
    }
    default:
      set(parent, key, hostile(random))
  }
  return copy
}

/** As an own key, whatever it is called. */
function set(parent: Parent, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Every part that has a parent; of long lists and tables the first ones and the last. */
function placesIn(value: unknown): (readonly [Parent, string])[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Parent
  const keys = Object.keys(parent)
  const some = keys.length > 40 ? [...keys.slice(0, 30), ...keys.slice(-10)] : keys
  return some.flatMap((key) => [[parent, key] as const, ...placesIn(parent[key])])
}

/** Deeper than any file needs. */
const DEPTH = 4000

/** The value as JSON. */
export function print(value: unknown, random: Random): string {
  const text = JSON.stringify(value) ?? 'null'
  const [open, close] = random.integer(2) === 0 ? ['[', ']'] : ['{"a":', '}']
  return text
    .replaceAll(JSON.stringify(DEEP), `${open.repeat(DEPTH)}1${close.repeat(DEPTH)}`)
    .replaceAll(JSON.stringify(TWICE), '"a":1,"a"')
}
