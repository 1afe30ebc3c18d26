/** @module */
import type { ComponentType, JSX } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'

import { Button } from './button.tsx'
import { Notice } from './notice.tsx'
import { UNFETCHED } from './unfetched.ts'

/** A part that is loaded when it is first shown. */
export function Late({ load }: { readonly load: () => Promise<ComponentType> }): JSX.Element | null {
  const [part, setPart] = useState<{ readonly Part?: ComponentType }>()
  const fetch = useCallback(() => {
    setPart(undefined)
    load().then(
      (Part) => setPart({ Part }),
      () => setPart({}),
    )
  }, [load])
  useEffect(fetch, [fetch])
  if (!part) return null
  if (part.Part) return <part.Part />
  return (
    <Notice
      kind="error"
      remedy={
        <>
          {UNFETCHED.remedy} <Button onClick={fetch}>Try again</Button>
        </>
      }
    >
      {UNFETCHED.text}
    </Notice>
  )
}
