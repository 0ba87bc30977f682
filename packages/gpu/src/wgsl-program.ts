/**
 * A kernel written in WGSL: entry point `main`. Binding 0 of group 0 is the uniform with the numbers of one launch, then
 * come the inputs (read-only storage), the outputs and the updates (read-write storage), each an array of f32 or vec4f.
 * Buffers have room for whole vec4f behind the last element; what is in there is arbitrary.
 */
export interface WgslProgram {
  /** says what the code does: equal keys, equal codes */
  readonly key: string;
  readonly code: string;
  readonly inputs: number;
  readonly outputs: number;
  /** buffers that are changed in place; default 0 */
  readonly updates?: number;
}

/** What a device lets a WGSL kernel use. */
export interface WgslLimits {
  /** bytes of workgroup memory */
  readonly workgroupStorage: number;
  readonly invocationsPerWorkgroup: number;
  readonly workgroupsPerDimension: number;
  /** buffers of one kernel */
  readonly storageBuffers: number;
  /** elements of one buffer */
  readonly elementsPerBuffer: number;
}
