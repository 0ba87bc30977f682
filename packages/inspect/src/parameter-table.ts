import { stateDict } from "@heed/nn";
import { bytesPerElement, type Tensor } from "@heed/tensor";

/** One weight of a model. */
export interface ParameterRow {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly bytes: number;
}

/**
 * Every distinct weight, at its first name; tied weights stand once.
 *
 * On a model built on `createMetaBackend()` it needs no memory.
 */
export function parameterTable(model: object): ParameterRow[] {
  const seen = new Set<Tensor>();
  return [...stateDict(model)].flatMap(([name, tensor]) => {
    if (seen.has(tensor)) return [];
    seen.add(tensor);
    return [{ name, shape: tensor.shape, parameters: tensor.size, bytes: tensor.size * bytesPerElement[tensor.dtype] }];
  });
}
