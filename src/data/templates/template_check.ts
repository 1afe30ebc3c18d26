/**
 * What a prompt template may contain, checked on nunjucks's syntax tree before it is compiled.
 * @module
 */
import nunjucks from 'nunjucks'

import { UserError } from '../../errors.ts'
import { shortenSentence } from '../../quote.ts'
import type { Columns } from './program.ts'
import { ROW } from './program.ts'

/** The part of nunjucks's syntax tree that we look at; its types are not published. */
interface Node {
  readonly typename: string
  readonly lineno: number
  readonly value?: unknown
  readonly fields: readonly string[]
  readonly [field: string]: unknown
}

const { parser } = nunjucks as unknown as { parser: { parse(source: string): Node } }

/** Filters that turn values into text, and nothing else. */
export const FILTERS = [
  ...['abs', 'capitalize', 'default', 'd', 'dump', 'e', 'escape', 'first', 'float', 'indent', 'int', 'join'],
  ...[
    'last',
    'length',
    'list',
    'lower',
    'replace',
    'reverse',
    'round',
    'safe',
    'string',
    'striptags',
    'title',
  ],
  ...['trim', 'truncate', 'upper', 'urlencode', 'wordcount'],
]
const FORBIDDEN_NODES = ['Include', 'Import', 'FromImport', 'Extends', 'Super', 'Block', 'Macro', 'Caller']
const FORBIDDEN_MEMBERS = ['constructor', 'prototype', '__proto__']

/** Names a template reads and those it binds itself (loops, assignments), or asks about with `is defined`. */
interface Names {
  readonly read: Set<string>
  readonly bound: Set<string>
  readonly ofRow: Set<string>
  readonly askedOfRow: Set<string>
}

const asNode = (value: unknown): Node | undefined =>
  typeof value === 'object' && value !== null && 'typename' in value ? (value as Node) : undefined

/** A node's parts: its fields, lists opened. */
function parts(node: Node, except: readonly string[] = []): Node[] {
  return node.fields
    .filter((field) => !except.includes(field))
    .flatMap((field) => (Array.isArray(node[field]) ? (node[field] as unknown[]) : [node[field]]))
    .flatMap((value) => asNode(value) ?? [])
}

const symbolsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(symbolsIn)
  const node = asNode(value)
  if (!node) return []
  return node.typename === 'Symbol' ? [String(node.value)] : parts(node).flatMap(symbolsIn)
}

/** The column that `row["…"]` looks up. */
function columnOfRow(node: Node): string | undefined {
  const target = node.typename === 'LookupVal' ? asNode(node.target) : undefined
  return target?.typename === 'Symbol' && target.value === ROW ? String(asNode(node.val)?.value) : undefined
}

function refuse(part: string, node: Node, what: string): never {
  throw new UserError(`the ${part} template, line ${node.lineno + 1}: ${what}`)
}

/** nunjucks writes names into JavaScript between quotation marks, and lets them hold such. */
function checkNames(node: Node, part: string): void {
  if (node.typename === 'Symbol' && !/^[\p{L}\p{M}\p{N}_$]+$/u.test(String(node.value)))
    refuse(
      part,
      node,
      `a name has characters that none has, ${JSON.stringify(node.value)}; a column whose name is no word is written {{ row["its name"] }}`,
    )
  parts(node).forEach((inner) => checkNames(inner, part))
}

function walk(node: Node, part: string, names: Names): void {
  const visit = (inner: readonly Node[]): void => inner.forEach((child) => walk(child, part, names))
  if (FORBIDDEN_NODES.includes(node.typename)) {
    refuse(part, node, `"${node.typename.toLowerCase()}" is not available; a template stands alone`)
  }
  switch (node.typename) {
    case 'Symbol':
      names.read.add(String(node.value))
      return
    case 'FunCall':
      return refuse(
        part,
        node,
        'functions and methods cannot be called; use a filter, such as {{ word | upper }}',
      )
    case 'Filter': {
      const name = String(asNode(node.name)?.value)
      if (!FILTERS.includes(name)) refuse(part, node, `no filter "${name}"; there are ${FILTERS.join(', ')}`)
      return visit(parts(node, ['name']))
    }
    case 'LookupVal': {
      const key = asNode(node.val)
      const literal = key?.typename === 'Literal'
      if (!literal || FORBIDDEN_MEMBERS.includes(String(key.value))) {
        refuse(part, node, 'a member is looked up by a name that is not available')
      }
      const column = columnOfRow(node)
      if (column !== undefined) {
        names.ofRow.add(column)
        return
      }
      return visit(parts(node, ['val']))
    }
    case 'Is': {
      const test = asNode(node.right)
      if (test?.value === 'defined') {
        const column = columnOfRow(asNode(node.left)!)
        if (column !== undefined) {
          names.askedOfRow.add(column)
          return
        }
        symbolsIn(node.left).forEach((name) => names.bound.add(name))
      }
      visit(parts(node, ['right']))
      return visit(test?.typename === 'FunCall' ? parts(asNode(test.args)!) : [])
    }
    case 'Pair':
      return visit(parts(node, asNode(node.key)?.typename === 'Symbol' ? ['key'] : []))
    case 'For':
      ;['loop', ...symbolsIn(node.name)].forEach((name) => names.bound.add(name))
      return visit(parts(node, ['name']))
    case 'Set':
      symbolsIn(node.targets).forEach((name) => names.bound.add(name))
      return visit(parts(node, ['targets']))
    default:
      return visit(parts(node))
  }
}

/**
 * Checks a template's source and returns the columns it needs.
 *
 * @param part what to call it in an error: prompt, completion or text
 * @throws UserError where it is malformed or uses what templates may not
 */
export function inspectTemplate(source: string, part: string): Columns {
  try {
    return columnsOf(parse(source, part), part)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UserError(`the ${part} template has too many parts within parts, or in a row; simplify it`)
  }
}

function parse(source: string, part: string): Node {
  try {
    return parser.parse(source)
  } catch (error) {
    if (isOverflow(error)) throw new RangeError('too deep', { cause: error })
    const { message, lineno } = error as Error & { lineno?: number }
    const line = lineno === undefined ? '' : `, line ${lineno},`
    const reason = shortenSentence(message.replace(/\s+/g, ' ').trim(), 200)
    throw new UserError(
      `the ${part} template${line} is malformed: ${reason}; a column whose name is no word is written {{ row["its name"] }}`,
    )
  }
}

/** Whether nunjucks's own error stands for a stack that is full. */
const isOverflow = (error: unknown): boolean => /call stack/.test((error as Error).message)

function columnsOf(root: Node, part: string): Columns {
  const names: Names = { read: new Set(), bound: new Set(), ofRow: new Set(), askedOfRow: new Set() }
  checkNames(root, part)
  walk(root, part, names)
  // Bound by the template itself, it is not the row.
  const ofRow = names.bound.has(ROW) ? [] : [...names.ofRow]
  return {
    named: [...names.read].filter((name) => !names.bound.has(name)),
    ofRow: ofRow.filter((name) => !names.askedOfRow.has(name)),
    readsRow: ofRow.length + names.askedOfRow.size > 0,
  }
}
