/**
 * Letting ONNX graphs read a model's own weight file: external data is (file, offset, length), and so is a tensor in a
 * safetensors file. ONNX Runtime wants the file in the graph's folder and follows no symbolic links; a hard link will do.
 * @module
 */
import { copyFile, link, realpath } from 'node:fs/promises'

import type { ExternalData } from '../../graphs/ir/graph.ts'
import type { ModelFolder } from './model_folder.ts'

/** Each parameter's place in the file that the graphs call `location`. */
export const externalData = (tensors: ModelFolder['tensors'], location: string): Map<string, ExternalData> =>
  new Map([...tensors].map(([name, { offset, length }]) => [name, { location, offset, length }]))

/** Whether graphs can read the weights as they are; other types than float32 are to be converted once. */
export const readableInPlace = ({ tensors }: Pick<ModelFolder, 'tensors'>): boolean =>
  [...tensors.values()].every(({ dtype }) => dtype === 'F32')

/** A second name for the same file where the file system can, else a copy. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  const file = await realpath(from)
  await link(file, to).catch(() => copyFile(file, to))
}
