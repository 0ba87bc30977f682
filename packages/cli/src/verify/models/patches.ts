import { cutPatches } from "@heed/models";
import { dataSync, scope, type Tensor } from "@heed/tensor";

/** Values of all patches of images, in one array. */
export function patchesOf(images: Tensor, patchSize: number): Float32Array {
  return scope(() => Float32Array.from(dataSync(cutPatches(images, patchSize))));
}
