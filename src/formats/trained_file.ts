/** @module */

/** Where a checkpoint keeps what was trained beside a frozen model: a head, plastic blocks. */
export const TRAINED_FILE = 'trained.safetensors'
