/** @module */
import type { JSX } from 'preact'

import type { RunAbout } from '../../src/serve/about.ts'
import type { Curve } from '../parts/curves/curve.ts'
import { Curves } from '../parts/curves/curves.tsx'
import { Notice } from '../parts/notice.tsx'
import { count, shortNumber } from '../parts/numbers.ts'
import { Progress } from '../parts/progress.tsx'
import { Stat, Stats } from '../parts/stat.tsx'
import type { FollowedRun } from './followed_run.ts'
import { spoken } from './run_name.ts'
import { Samples } from './samples.tsx'
import type { Series } from './series.ts'
import { Settings } from './settings.tsx'
import type { Standing } from './standing.ts'
import { standingOf, totalSteps } from './standing.ts'

interface RunViewProps {
  readonly run: FollowedRun
  /** Of its heading. */
  readonly level: 'h1' | 'h2'
}

/** All that is known of a run. */
export function RunView({ run, level: Heading }: RunViewProps): JSX.Element | null {
  // What is drawn is read from the series, which changes in place.
  void run.version.value
  const about = run.about.value
  if (!about) return <Trouble run={run} />
  const standing = standingOf(about, run.series)
  return (
    <>
      <div class="run-head">
        <Heading>{spoken(about.name)}</Heading>
        <span class="pill" data-standing={standing}>
          {standing}
        </span>
        <span class="pill">{about.task}</span>
      </div>
      <Trouble run={run} />
      <Remedy about={about} standing={standing} series={run.series} />
      <section class="card" aria-label="How far it is">
        <HowFar about={about} run={run} />
        <Figures about={about} run={run} />
      </section>
      <Panels about={about} series={run.series} level={Heading === 'h1' ? 'h2' : 'h3'} />
      <Samples samples={about.samples} />
      <Settings chosen={about.chosen} defaults={about.defaults} />
    </>
  )
}

/** Why what is shown may be old, where it may. */
function Trouble({ run }: Pick<RunViewProps, 'run'>): JSX.Element | null {
  if (!run.connected.value)
    return (
      <Notice kind="warn" remedy="It is tried again by itself; where the command has ended, start it again.">
        The connection to “ortune watch” is lost, so what is shown may be old.
      </Notice>
    )
  if (run.trouble.value === '') return null
  return (
    <Notice kind="warn" remedy="What is shown may be old; it goes on by itself when that is mended.">
      {run.trouble.value}.
    </Notice>
  )
}

interface RemedyProps {
  readonly about: RunAbout
  readonly standing: Standing
  readonly series: Series
}

/** What to do about a run that does not go on. */
function Remedy({ about, standing, series }: RemedyProps): JSX.Element | null {
  if (standing === 'running' && series.step() === 0)
    return <Notice kind="info">It has begun; curves appear with its first step.</Notice>
  if (standing !== 'stopped' && standing !== 'not begun') return null
  const last = about.checkpoints.last?.step ?? 0
  return (
    <Notice kind="info" remedy={<>It goes on with {<code>ortune resume {about.folder}</code>}</>}>
      {standing === 'stopped'
        ? `It was stopped; its last checkpoint is of step ${count(last)}.`
        : 'It is made, and has not been trained yet.'}
    </Notice>
  )
}

interface PartProps {
  readonly about: RunAbout
  readonly run: FollowedRun
}

function HowFar({ about, run }: PartProps): JSX.Element | null {
  const total = totalSteps(about, run.series)
  const rate = run.steps.perSecond()
  if (total === undefined) return null
  return (
    <Progress
      label="Steps of the run"
      done={run.series.step()}
      of={total}
      {...(about.running && rate !== undefined && rate > 0 ? { perSecond: rate } : {})}
    />
  )
}

/** The last numbers, and those to compare them with. */
function Figures({ about, run: { series, tokens } }: PartProps): JSX.Element {
  const evaluations = series.of('eval_loss')
  const losses = series.of('loss')
  const perSecond = tokens.perSecond()
  const { best, last } = about.checkpoints
  const metric = best && best.metric !== 'eval_loss' ? series.of(best.metric) : []
  const epoch = series.of('epoch').at(-1)?.y
  return (
    <Stats>
      {losses.length > 0 && (
        <Stat
          label="Training loss"
          value={shortNumber(recent(losses.map(({ y }) => y)))}
          note={losses.length > 1 ? `mean of the last ${count(lately(losses.length))} steps` : undefined}
        />
      )}
      {evaluations.length > 0 && (
        <Stat
          label="Validation loss"
          value={shortNumber(evaluations.at(-1)!.y)}
          note={
            evaluations[0]!.x === 0 && evaluations.length > 1
              ? `${shortNumber(evaluations[0]!.y)} before training`
              : undefined
          }
        />
      )}
      {metric.length > 0 && <Stat label={best!.metric} value={shortNumber(metric.at(-1)!.y)} />}
      {best && (
        <Stat
          label="Best checkpoint"
          value={best.value === null ? `step ${count(best.step)}` : shortNumber(best.value)}
          note={best.value === null ? undefined : `${best.metric} at step ${count(best.step)}`}
        />
      )}
      {!best && last && <Stat label="Last checkpoint" value={`step ${count(last.step)}`} />}
      {series.tokens() > 0 && (
        <Stat
          label="Tokens"
          value={compact(series.tokens())}
          note={
            about.running && perSecond !== undefined && perSecond > 0
              ? `${count(Math.round(perSecond))} per second`
              : undefined
          }
        />
      )}
      {epoch !== undefined && (
        <Stat label="Epoch" value={epoch.toFixed(2)} note={`of ${shortNumber(about.epochs)}`} />
      )}
    </Stats>
  )
}

const lately = (length: number): number => Math.min(20, Math.max(1, Math.round(length / 10)))

const recent = (values: readonly number[]): number => {
  const last = values.slice(-lately(values.length))
  return last.reduce((sum, value) => sum + value, 0) / last.length
}

const compact = (value: number): string =>
  new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

interface PanelsProps {
  readonly about: RunAbout
  readonly series: Series
  /** Of their headings. */
  readonly level: 'h2' | 'h3'
}

/** The loss first, wide; what else is logged below it, two beside each other. */
function Panels({ about, series, level }: PanelsProps): JSX.Element | null {
  const drawn = about.panels
    .map(({ title, curves, decades = false }) => ({
      title,
      decades,
      curves: Object.entries(curves).flatMap(([name, key]): Curve[] => {
        const points = series.of(key)
        const marked = key.startsWith('eval_')
        return points.length === 0
          ? []
          : [{ name, points, marked, smooth: !marked && key !== 'learning_rate' }]
      }),
    }))
    .filter(({ curves }) => curves.length > 0)
  if (drawn.length === 0) return null
  return (
    <div class="panels">
      {drawn.map(({ title, curves, decades }, i) => (
        <div class="card panel" key={title}>
          <Curves
            title={capitalized(title)}
            level={level}
            x={about.step}
            curves={curves}
            decades={decades}
            fromZero={title === 'learning rate'}
            height={i === 0 ? 300 : 200}
          />
        </div>
      ))}
    </div>
  )
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
