/** @module */
import type { JSX } from 'preact'

import type { WrittenSample } from '../../src/serve/about.ts'
import { Card } from '../parts/card.tsx'
import { count, shortNumber } from '../parts/numbers.ts'

/** Texts that the model wrote while it learned, the newest first. */
export const Samples = ({ samples }: { readonly samples: readonly WrittenSample[] }): JSX.Element | null =>
  samples.length === 0 ? null : (
    <Card title="What it writes">
      <ol class="samples">
        {[...samples].reverse().map(({ step, prompt, response, score }, i) => (
          <li key={`${step} ${i}`}>
            <p class="sample-text">
              <span class="quiet">{prompt}</span>
              {response}
            </p>
            <p class="quiet small">
              step {count(step)}, score {shortNumber(score)}
            </p>
          </li>
        ))}
      </ol>
    </Card>
  )
