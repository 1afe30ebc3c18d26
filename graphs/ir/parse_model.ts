/** @module */
import { fromBinary } from '@bufbuild/protobuf'

import type { ModelProto } from './onnx_pb.ts'
import { ModelProtoSchema } from './onnx_pb.ts'

/** Decodes the bytes of an .onnx file. Throws where they are no protobuf message. */
export const parseModel = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes)
