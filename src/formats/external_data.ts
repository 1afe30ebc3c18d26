/**
 * Letting ONNX graphs read a model's own weight file: external data is (file, offset, length), and so is a tensor in a
 * safetensors file. ONNX Runtime wants the file in the graph's folder and follows no symbolic links.
 * @module
 */
import { constants } from 'node:fs'
import { copyFile, link } from 'node:fs/promises'

import type { ExternalData } from '../../graphs/ir/graph.ts'
import { HALVES } from './half.ts'
import type { ModelFolder } from './model_folder.ts'
import type { StoredTensor } from './weight_files.ts'

/** Each parameter's place in the file that the graphs call `location`, or in several that they call as it says. */
export function externalData(
  tensors: ModelFolder['tensors'],
  location: string | ((file: string) => string),
): Map<string, ExternalData> {
  const locationOf = typeof location === 'string' ? () => location : location
  const place = ({ file, offset, length, dtype }: StoredTensor): ExternalData => ({
    ...{ location: locationOf(file), offset, length },
    ...(dtype === 'F16' || dtype === 'BF16' ? { dtype: HALVES[dtype] } : {}),
  })
  return new Map([...tensors].map(([name, tensor]) => [name, place(tensor)]))
}

/** Whether graphs can read the weights as they are. */
export const readableInPlace = ({ tensors }: Pick<ModelFolder, 'tensors'>): boolean =>
  [...tensors.values()].every(({ dtype }) => dtype === 'F32' || dtype in HALVES)

/**
 * A copy that stays what it is when the original changes, and shares its blocks on the disk where the file system can (Btrfs, XFS,
 * APFS).
 */
export const cloneFile = (from: string, to: string): Promise<void> =>
  copyFile(from, to, constants.COPYFILE_FICLONE)

/** A second name for a file of the same folder where the file system can, else a copy. */
export const linkOrCopy = (from: string, to: string): Promise<void> =>
  link(from, to).catch(() => copyFile(from, to))
