/**
 * The part of ONNX Runtime's C interface that is used: the arguments of its functions, as koffi calls them. Names and order are those
 * of `onnxruntime_c_api.h`; `void *` stands for its opaque types.
 * @module
 */

/** Takes an address out: an array of one place, which the call fills. */
const OUT = '_Out_ void **'
const OUT_SIZE = '_Out_ size_t *'
const OUT_INT = '_Out_ int *'
const FROM = 'const void *'
/** An address, or null; arrays of the host go in where they lie. */
const ADDRESS = 'void *'

/** A path, which Windows wants in UTF-16. */
const PATH = process.platform === 'win32' ? 'str16' : 'str'

/** Functions that return a status: null, or what went wrong. */
export const fallible = {
  CreateEnv: ['int', 'const char *', OUT],
  CreateSession: [ADDRESS, PATH, ADDRESS, OUT],
  CreateSessionFromArray: [ADDRESS, FROM, 'size_t', ADDRESS, OUT],
  CreateSessionOptions: [OUT],
  SetSessionGraphOptimizationLevel: [ADDRESS, 'int'],
  SetIntraOpNumThreads: [ADDRESS, 'int'],
  SetSessionLogSeverityLevel: [ADDRESS, 'int'],
  EnableCpuMemArena: [ADDRESS],
  DisableCpuMemArena: [ADDRESS],
  EnableMemPattern: [ADDRESS],
  DisableMemPattern: [ADDRESS],
  EnableProfiling: [ADDRESS, PATH],
  AddSessionConfigEntry: [ADDRESS, 'const char *', 'const char *'],
  AddExternalInitializersFromFilesInMemory: [ADDRESS, `${PATH} *`, 'void **', 'size_t *', 'size_t'],
  SessionOptionsAppendExecutionProvider: [
    ADDRESS,
    'const char *',
    'const char **',
    'const char **',
    'size_t',
  ],
  CreateCUDAProviderOptions: [OUT],
  UpdateCUDAProviderOptions: [ADDRESS, 'const char **', 'const char **', 'size_t'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [ADDRESS, ADDRESS],
  SessionGetInputCount: [ADDRESS, OUT_SIZE],
  SessionGetOutputCount: [ADDRESS, OUT_SIZE],
  SessionGetInputName: [ADDRESS, 'size_t', ADDRESS, OUT],
  SessionGetOutputName: [ADDRESS, 'size_t', ADDRESS, OUT],
  SessionGetInputTypeInfo: [ADDRESS, 'size_t', OUT],
  SessionGetOutputTypeInfo: [ADDRESS, 'size_t', OUT],
  SessionEndProfiling: [ADDRESS, ADDRESS, OUT],
  CastTypeInfoToTensorInfo: [ADDRESS, OUT],
  GetTensorElementType: [ADDRESS, OUT_INT],
  GetDimensionsCount: [ADDRESS, OUT_SIZE],
  GetDimensions: [ADDRESS, '_Out_ int64_t *', 'size_t'],
  GetSymbolicDimensions: [ADDRESS, '_Out_ const char **', 'size_t'],
  GetTensorTypeAndShape: [ADDRESS, OUT],
  GetAllocatorWithDefaultOptions: [OUT],
  AllocatorFree: [ADDRESS, ADDRESS],
  CreateMemoryInfo: ['const char *', 'int', 'int', 'int', OUT],
  CreateArenaCfg: ['size_t', 'int', 'int', 'int', OUT],
  CreateAndRegisterAllocator: [ADDRESS, ADDRESS, ADDRESS],
  CreateTensorWithDataAsOrtValue: [ADDRESS, ADDRESS, 'size_t', 'int64_t *', 'size_t', 'int', OUT],
  GetTensorMutableData: [ADDRESS, OUT],
  CreateIoBinding: [ADDRESS, OUT],
  BindInput: [ADDRESS, 'const char *', ADDRESS],
  BindOutput: [ADDRESS, 'const char *', ADDRESS],
  BindOutputToDevice: [ADDRESS, 'const char *', ADDRESS],
  GetBoundOutputValues: [ADDRESS, ADDRESS, OUT, OUT_SIZE],
  RunWithBinding: [ADDRESS, ADDRESS, ADDRESS],
  SynchronizeBoundOutputs: [ADDRESS],
  GetEpDevices: [ADDRESS, OUT, OUT_SIZE],
} as const

/** Functions that cannot fail. */
export const infallible = {
  GetErrorMessage: ['const char *', [ADDRESS]],
  ReleaseStatus: ['void', [ADDRESS]],
  ReleaseSession: ['void', [ADDRESS]],
  ReleaseSessionOptions: ['void', [ADDRESS]],
  ReleaseCUDAProviderOptions: ['void', [ADDRESS]],
  ReleaseTypeInfo: ['void', [ADDRESS]],
  ReleaseTensorTypeAndShapeInfo: ['void', [ADDRESS]],
  ReleaseValue: ['void', [ADDRESS]],
  ReleaseIoBinding: ['void', [ADDRESS]],
  ReleaseMemoryInfo: ['void', [ADDRESS]],
  ReleaseArenaCfg: ['void', [ADDRESS]],
  ClearBoundInputs: ['void', [ADDRESS]],
  ClearBoundOutputs: ['void', [ADDRESS]],
  EpDevice_EpName: ['const char *', [ADDRESS]],
} as const

export type Fallible = keyof typeof fallible
export type Infallible = keyof typeof infallible
