/**
 * A way to have onnxruntime-node write outputs into given arrays without also copying them.
 *
 * The binding writes a preallocated output in place, and then makes a second tensor of it in a fresh ArrayBuffer:
 * 130 ms and 128 MB of garbage per 128 MB of gradients, on every step. It makes them one after the other once the
 * graph has run, and stops with an error at an output that JavaScript has no type for. So the model gets such an
 * output, an empty sequence, in front of all others: the run then ends with that error, everything has been written
 * where it should be, and nothing has been copied. Should a later binding learn sequences, the run ends normally.
 *
 * The output is added without decoding the model: protobuf merges the fields of concatenated messages, and repeated
 * fields keep their order.
 * @module
 */

/** The added output, which no graph of ours can have by its name. */
export const stopOutput = 'ortune::stop'

/** Whether a run's error is the one that `stopOutput` provokes. */
export const isStop = (error: unknown) =>
  error instanceof Error && error.message.startsWith('Non tensor type is temporarily not supported')

/** The model's bytes with `stopOutput` as its first output. */
export function withStopOutput(model: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stopModel.length + model.length)
  bytes.set(stopModel)
  bytes.set(model, stopModel.length)
  return bytes
}

/** A length-delimited protobuf field shorter than 128 bytes. */
const field = (number: number, content: readonly number[]) => [(number << 3) | 2, content.length, ...content]
const text = (number: number, value: string) => field(number, [...new TextEncoder().encode(value)])

// Field numbers of onnx.proto, IR version 10.
const node = [...text(2, stopOutput), ...text(4, 'SequenceEmpty')] // NodeProto: output, op_type
const tensorOfFloat = field(1, [(1 << 3) | 0, 1]) // TypeProto: tensor_type { elem_type: FLOAT }
const sequenceOfTensor = field(4, field(1, tensorOfFloat)) // TypeProto: sequence_type { elem_type }
const output = [...text(1, stopOutput), ...field(2, sequenceOfTensor)] // ValueInfoProto: name, type
const stopModel = field(7, [...field(1, node), ...field(12, output)]) // ModelProto: graph { node, output }
