/** @module */

/**
 * Gathers pieces, and gives them together once a frame, so that what comes faster than one sees costs the page nothing.
 * A page in the background has no frames; there a timer does.
 */
export function byFrame(show: (pieces: string) => void): (piece: string) => void {
  let waiting = ''
  return (piece) => {
    if (waiting === '') {
      const flush = () => {
        const pieces = waiting
        waiting = ''
        show(pieces)
      }
      if (document.visibilityState === 'visible') requestAnimationFrame(flush)
      else setTimeout(flush, 250)
    }
    waiting += piece
  }
}
