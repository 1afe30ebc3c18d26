/** @module */
export { open, step } from '../../../tools/bench/web/step.ts'
