/** @module */
import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useLayoutEffect } from 'preact/hooks'

/** The width of an element in pixels, as it is now. */
export function useWidth(element: RefObject<Element | null>): number {
  const width = useSignal(480)
  useLayoutEffect(() => {
    const { current } = element
    if (!current) return
    const take = () => (width.value = Math.max(160, Math.floor(current.getBoundingClientRect().width)))
    take()
    const observer = new ResizeObserver(take)
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return width.value
}
