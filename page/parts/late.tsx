/** @module */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A part that is loaded when it is first shown. */
export function Late({ load }: { readonly load: () => Promise<ComponentType> }): JSX.Element | null {
  const [part, setPart] = useState<{ readonly Part: ComponentType }>()
  useEffect(() => void load().then((Part) => setPart({ Part })), [load])
  return part ? <part.Part /> : null
}
