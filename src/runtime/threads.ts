/** @module */
import { availableParallelism } from 'node:os'

/** Threads for a core. More than one gain nothing, but a machine may be misjudged. */
const PER_CORE = 2

/**
 * Most threads of a session on this machine. Those of ONNX Runtime spin while they wait for each other, so that many on few cores
 * keep each other from working: four a core are nine times slower than one, and a thousand on two cores stand still.
 */
export const mostThreads = (): number => PER_CORE * availableParallelism()
