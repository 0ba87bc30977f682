import { assign, formatShape, keep, ShapeError, type Tensor, zeros } from "@heed/tensor";
import type { OptimizerState } from "./optimizer.ts";

/** Zero tensors shaped like the parameters, outside every scope. @internal */
export function slots(parameters: readonly Tensor[]): Tensor[] {
  return keep(
    parameters.map((parameter) => zeros(parameter.shape, { dtype: parameter.dtype, backend: parameter.backend })),
  );
}

/** Names the tensors of several slots: `first.0`, `first.1`, ... @internal */
export function nameSlots(named: Readonly<Record<string, readonly Tensor[]>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, tensors]) => tensors.map((tensor, i) => [`${name}.${i}`, tensor])),
  );
}

/** Copies a state's values into slots, after checking all of them. @internal */
export function loadSlots(where: string, own: Readonly<Record<string, Tensor>>, state: OptimizerState): void {
  const names = Object.keys(own);
  const unexpected = Object.keys(state.tensors).filter((name) => !(name in own));
  const missing = names.filter((name) => !(name in state.tensors));
  if (unexpected.length > 0 || missing.length > 0) {
    throw new RangeError(
      `${where}: state does not fit this optimizer, expected its ${names.length} tensors, got missing: ${missing.join(", ") || "none"}; unexpected: ${unexpected.join(", ") || "none"}. Build the optimizer with the options the state was saved with`,
    );
  }
  for (const name of names) {
    const [mine, theirs] = [own[name]!, state.tensors[name]!];
    if (formatShape(mine.shape) !== formatShape(theirs.shape)) {
      throw new ShapeError(
        `${where}: state tensor ${name} has shape ${formatShape(theirs.shape)}, expected ${formatShape(mine.shape)} (from its parameter)`,
      );
    }
  }
  for (const name of names) assign(own[name]!, state.tensors[name]!);
}
