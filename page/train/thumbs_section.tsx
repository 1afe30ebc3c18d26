/** Two answers, and which one is better. @module */
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Answer } from './answer.tsx'
import { Section } from './section.tsx'
import { model, preferences } from './state.ts'
import {
  answering,
  answers,
  answerTwice,
  choosable,
  choose,
  forget,
  learnFromThumbs,
  thumbPrompt,
} from './thumbs.ts'

export function ThumbsSection(): JSX.Element {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const better = ['1', '2'].indexOf(event.key)
      if (better < 0 || !choosable.value || isTyping(event.target)) return
      event.preventDefault()
      void choose(better as 0 | 1)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
  return (
    <Section name="thumbs" title="Thumbs">
      <p class="quiet">
        The model answers twice; say which answer you like better, and it learns from your choices. Ten pairs
        are a beginning.
      </p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void answerTwice()
        }}
      >
        <Field label="Prompt">
          {(given) => (
            <input
              {...given}
              value={thumbPrompt.value}
              onInput={({ currentTarget: { value } }) => (thumbPrompt.value = value)}
            />
          )}
        </Field>
        <div class="row">
          <Button type="submit" disabled={!model.value?.writes || answering.value}>
            Two answers
          </Button>
        </div>
      </form>
      {answers.some(({ value }) => value) && (
        <div class="columns">
          {answers.map(({ value }, i) => (
            <div class="stack" key={i}>
              <Answer title={`Answer ${i + 1}`} column={value} />
              <Button disabled={!choosable.value} onClick={() => void choose(i as 0 | 1)}>
                <Thumb />
                Answer {i + 1} is better <kbd>{i + 1}</kbd>
              </Button>
            </div>
          ))}
        </div>
      )}
      <Pairs />
    </Section>
  )
}

/** Where keys write. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input:not([type=radio]), textarea, select') !== null

const Thumb = (): JSX.Element => (
  <svg
    class="thumb"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    aria-hidden="true"
  >
    <path
      d="M7 11v9H4v-9h3Zm0 0 4-8c1.700 0 2.500 1.200 2.500 2.500V9H19a2 2 0 0 1 2 2.300l-1.200 7A2 2 0 0 1 17.800 20H7"
      stroke-linejoin="round"
    />
  </svg>
)

function Pairs(): JSX.Element | null {
  const { value: pairs } = preferences
  if (pairs.length === 0) return null
  return (
    <div class="stack">
      <div class="row">
        <Button look="main" disabled={!model.value} onClick={() => void learnFromThumbs()}>
          Take {pairs.length === 1 ? 'this pair' : `these ${pairs.length} pairs`} as examples
        </Button>
      </div>
      <details class="fold">
        <summary>Your choices</summary>
        <ul class="list" aria-label="Pairs">
          {pairs.map((pair, i) => (
            <li class="list-item" key={i}>
              <div class="list-words small">
                <span class="quiet">{pair.prompt}</span>
                <span>{pair.chosen}</span>
                <s class="quiet">{pair.rejected}</s>
              </div>
              <Button look="plain" onClick={() => void forget(pair)}>
                Forget<span class="unseen"> pair {i + 1}</span>
              </Button>
            </li>
          ))}
        </ul>
      </details>
    </div>
  )
}
