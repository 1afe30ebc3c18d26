/** @module */
import { expose } from 'comlink'

import { createWorkshop } from './create_workshop.ts'

expose(createWorkshop())
