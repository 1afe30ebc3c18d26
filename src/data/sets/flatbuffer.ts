/**
 * Reads flatbuffers that nobody vouches for: every access is inside the bytes, or throws.
 * Format: flatbuffers.dev/internals. A table begins with the distance back to its vtable, which lists where each field
 * is, 0 for a field that is absent; tables, vectors and strings are pointed to by distances forward.
 * @module
 */

/** A table: where it begins, in the bytes of `view`. */
export interface FlatTable {
  readonly view: DataView
  readonly position: number
}

/** Entries of a vector: their count, and where the first is. */
export interface FlatVector {
  readonly length: number
  readonly position: number
}

const indirect = (view: DataView, position: number): number => position + view.getUint32(position, true)

export function rootTable(bytes: Uint8Array): FlatTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { view, position: indirect(view, 0) }
}

/** Where a field's value or pointer is; undefined where the field is absent. */
export function fieldPosition({ view, position }: FlatTable, field: number): number | undefined {
  const vtable = position - view.getInt32(position, true)
  const entry = 4 + 2 * field
  if (entry + 2 > view.getUint16(vtable, true)) return undefined
  const distance = view.getUint16(vtable + entry, true)
  return distance === 0 ? undefined : position + distance
}

/** A number of the table, 0 where the field is absent. */
export function numberField(
  table: FlatTable,
  field: number,
  type: 'Uint8' | 'Int16' | 'Int32' | 'Int64',
): number {
  const position = fieldPosition(table, field)
  if (position === undefined) return 0
  return type === 'Uint8' ? table.view.getUint8(position) : readNumber(table.view, position, type)
}

export function readNumber(view: DataView, position: number, type: 'Int16' | 'Int32' | 'Int64'): number {
  if (type === 'Int64') return Number(view.getBigInt64(position, true))
  return type === 'Int16' ? view.getInt16(position, true) : view.getInt32(position, true)
}

export function tableField(table: FlatTable, field: number): FlatTable | undefined {
  const position = fieldPosition(table, field)
  return position === undefined ? undefined : { view: table.view, position: indirect(table.view, position) }
}

/** A vector of entries of `entryBytes` each; empty where the field is absent. */
export function vectorField(table: FlatTable, field: number, entryBytes: number): FlatVector {
  const pointer = fieldPosition(table, field)
  if (pointer === undefined) return { length: 0, position: 0 }
  const at = indirect(table.view, pointer)
  const vector = { length: table.view.getUint32(at, true), position: at + 4 }
  if (vector.position + vector.length * entryBytes > table.view.byteLength)
    throw new Error('a list that ends outside')
  return vector
}

/** The tables that a vector of pointers leads to. */
export function tablesField(table: FlatTable, field: number): FlatTable[] {
  const { length, position } = vectorField(table, field, 4)
  return Array.from({ length }, (_, i) => ({
    view: table.view,
    position: indirect(table.view, position + 4 * i),
  }))
}

/** A string of the table, empty where the field is absent. */
export function stringField(table: FlatTable, field: number): string {
  const { length, position } = vectorField(table, field, 1)
  const { buffer, byteOffset } = table.view
  return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + position, length))
}
