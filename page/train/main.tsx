/** The training page. @module */
import '../styles/train.css'

import { render } from 'preact'

import { Late } from '../parts/late.tsx'
import { Shell } from '../parts/shell.tsx'
import { begin } from './begin.ts'
import { CompareSection } from './compare_section.tsx'
import { ExamplesSection } from './examples_section.tsx'
import { Hero } from './hero.tsx'
import { KeptSection } from './kept_section.tsx'
import { LearnSection } from './learn_section.tsx'
import { ModelSection } from './model_section.tsx'
import { Rail } from './rail.tsx'
import { task } from './state.ts'

const thumbs = async () => (await import('./thumbs_section.tsx')).ThumbsSection
const reward = async () => (await import('./reward_section.tsx')).RewardSection

const Train = () => (
  <Shell>
    <Hero />
    <div class="workbench">
      <Rail />
      <div class="sections">
        <ModelSection />
        <ExamplesSection />
        {task.value === 'dpo' && <Late load={thumbs} />}
        {task.value === 'ppo' && <Late load={reward} />}
        <LearnSection />
        <CompareSection />
        <KeptSection />
      </div>
    </div>
  </Shell>
)

render(<Train />, document.getElementById('page')!)
void begin()
