import { openNodeSession } from '../../src/runtime/node.ts'
import { openWebSession } from '../../src/runtime/web.ts'
import { itIsASession } from './session_scenarios.ts'

describe('session on onnxruntime-node', () => itIsASession(openNodeSession))
describe('session on onnxruntime-web', () => itIsASession(openWebSession))
