/** What objectives on images need to know of their source: the values of patches, one patch after the other. */
export interface PatchOptions {
  /** patches of an image, N */
  readonly numPatches: number;
  /** values of a patch: height times width times channels */
  readonly dPatch: number;
}

/** @throws RangeError for sizes that are not positive */
export function checkPatchOptions(where: string, options: PatchOptions): void {
  for (const argument of ["numPatches", "dPatch"] as const) {
    const value = options[argument];
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= 1, got ${value}`);
  }
}

/** @throws RangeError if the values are not those of as many patches */
export function checkPatches(where: string, patches: Float32Array, { numPatches, dPatch }: PatchOptions): void {
  if (patches.length === numPatches * dPatch) return;
  throw new RangeError(
    `${where}: patches has ${patches.length} values, expected ${numPatches * dPatch} (${numPatches} patches of ${dPatch})`,
  );
}
