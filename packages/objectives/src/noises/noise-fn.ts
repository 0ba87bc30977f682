import type { Rng } from "@heed/tensor";

/** Spoils a sequence: gives another one, of any length, and leaves the given one as it was. */
export type NoiseFn = (tokens: Int32Array, rng: Rng) => Int32Array;
