/** What is worth more: a function that someone writes here. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { CodeEditor } from './code_editor.tsx'
import { tried, tryReward, trying } from './rewarding.ts'
import { ScoredList } from './scored_list.tsx'
import { Section } from './section.tsx'
import { model, reward } from './state.ts'

export const RewardSection = (): JSX.Element => (
  <Section name="reward" title="Reward">
    <p class="quiet">
      A function of JavaScript: of a sample with its <code>prompt</code> and <code>response</code> it gives a
      number. It runs apart from this page, without network, and is ended where it takes too long.
    </p>
    <CodeEditor label="The reward" code={reward} />
    <div class="row">
      <Button disabled={!model.value?.writes || trying.value} onClick={() => void tryReward()}>
        {trying.value ? 'Trying…' : 'Try it on two samples'}
      </Button>
    </div>
    {tried.value && <ScoredList title="Two samples of the model, and their scores" scored={tried.value} />}
  </Section>
)
