/**
 * ONNX's messages as ortune writes them, with the fields of `onnx.proto` by their numbers. As proto3 has it, fields come in the order
 * of their numbers, integers of a list are packed, and what is zero or empty is left out.
 *
 * The generated `onnx_pb.ts` reads and writes any message, with all of what a browser would have to load for it.
 * @module
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

type Write<T> = (writer: BinaryWriter, value: T) => void

/** Writes a field of this number. */
type Field<T> = (number: number) => Write<T>

const scalar =
  <T>(type: WireType, write: Write<T>): Field<T> =>
  (number) =>
  (writer, value) =>
    write(writer.tag(number, type), value)

const present = {
  int: scalar<number>(WireType.Varint, (writer, value) => writer.int64(value)),
  float: scalar<number>(WireType.Bit32, (writer, value) => writer.float(value)),
  string: scalar<string>(WireType.LengthDelimited, (writer, value) => writer.string(value)),
  bytes: scalar<Uint8Array>(WireType.LengthDelimited, (writer, value) => writer.bytes(value)),
}

const unless =
  <T>(isDefault: (value: T) => boolean, field: Field<T>): Field<T> =>
  (number) =>
  (writer, value) => {
    if (!isDefault(value)) field(number)(writer, value)
  }

const int = unless((value) => value === 0, present.int)
const float = unless((value) => Object.is(value, 0), present.float)
const string = unless(({ length }) => length === 0, present.string)
const bytes = unless(({ length }) => length === 0, present.bytes)

const repeated =
  <T>(write: Write<T>): Write<readonly T[]> =>
  (writer, values) =>
    values.forEach((value) => write(writer, value))

const nested =
  <T>(write: Write<T>): Field<T> =>
  (number) =>
  (writer, value) => {
    write(writer.tag(number, WireType.LengthDelimited).fork(), value)
    writer.join()
  }

const strings = (number: number) => repeated(present.string(number))
const ints = unless<readonly number[]>(
  ({ length }) => length === 0,
  nested(repeated((writer, value) => writer.int64(value))),
)
const message = <T>(number: number, write: Write<T>) => nested(write)(number)
const messages = <T>(number: number, write: Write<T>) => repeated(message(number, write))

/** A message of these fields, each of which may be missing. */
function fields<T extends object>(all: { readonly [K in keyof T]: Write<T[K]> }): Write<Partial<T>> {
  const names = Object.keys(all) as (keyof T)[]
  return (writer, message) => {
    for (const name of names) {
      const value = message[name]
      if (value !== undefined) all[name](writer, value)
    }
  }
}

const entry = fields({ key: string(1), value: string(2) })

const tensor = fields({
  dims: ints(1),
  dataType: int(2),
  name: string(8),
  rawData: bytes(9),
  externalData: messages(13, entry),
  dataLocation: int(14),
})

const attribute = fields({
  name: string(1),
  f: float(2),
  i: int(3),
  s: bytes(4),
  ints: ints(8),
  type: int(20),
})

const node = fields({
  input: strings(1),
  output: strings(2),
  name: string(3),
  opType: string(4),
  attribute: messages(5, attribute),
})

/** One of two, which is written be it zero or not. */
const dimension = fields({ dimValue: present.int(1), dimParam: present.string(2) })

const tensorType = fields({
  elemType: int(1),
  shape: message(2, fields({ dim: messages(1, dimension) })),
})

const valueInfo = fields({
  name: string(1),
  type: message(2, fields({ tensorType: message(1, tensorType) })),
  docString: string(3),
})

const graph = fields({
  node: messages(1, node),
  name: string(2),
  initializer: messages(5, tensor),
  docString: string(10),
  input: messages(11, valueInfo),
  output: messages(12, valueInfo),
})

const model = fields({
  irVersion: int(1),
  producerName: string(2),
  graph: message(7, graph),
  opsetImport: messages(8, fields({ domain: string(1), version: int(2) })),
  metadataProps: messages(14, entry),
})

export type ModelMessage = Parameters<typeof model>[1]
export type NodeMessage = Parameters<typeof node>[1]
export type AttributeMessage = Parameters<typeof attribute>[1]
export type TensorMessage = Parameters<typeof tensor>[1]
export type ValueInfoMessage = Parameters<typeof valueInfo>[1]

/** What the numbers of `AttributeProto.type` and `TensorProto.data_location` mean. */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const
export const EXTERNAL = 1

/** The bytes of an .onnx file. */
export function writeModel(message: ModelMessage): Uint8Array {
  const writer = new BinaryWriter()
  model(writer, message)
  return writer.finish()
}
