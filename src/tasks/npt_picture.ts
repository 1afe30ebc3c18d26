/**
 * How near plastic blocks are to the blocks they stand for, and how large their updates are, as a picture.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { PlasticBlockReport } from './npt_evaluation.ts'

/**
 * Draws, by layer, the mean squared difference of the outputs, and the distribution of ‖ΔW‖_F over the tokens: a line from
 * the 10th to the 90th percentile, a mark at the median.
 *
 * @returns an SVG document
 */
export async function plasticBlocksPicture(
  blocks: readonly PlasticBlockReport[],
  title: string,
): Promise<string> {
  const values = blocks.map(({ layer, mse, updateNorm }) => ({ layer, mse, ...updateNorm }))
  const size = { width: 260, height: 240 }
  const x = { field: 'layer', type: 'ordinal', title: 'layer' } as const
  const spec: TopLevelSpec = {
    title,
    background: 'white',
    data: { values },
    hconcat: [
      {
        ...size,
        mark: { type: 'bar', width: 18 },
        encoding: { x, y: { field: 'mse', type: 'quantitative', title: 'squared difference per feature' } },
      },
      {
        ...size,
        layer: [
          {
            mark: { type: 'rule', strokeWidth: 2 },
            encoding: {
              x,
              y: { field: 'p10', type: 'quantitative', title: '‖ΔW‖ of a token (10 % to 90 %)' },
              y2: { field: 'p90' },
            },
          },
          {
            mark: { type: 'point', filled: true, size: 60 },
            encoding: { x, y: { field: 'p50', type: 'quantitative' } },
          },
        ],
      },
    ],
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}
