import type { JsonObject, NamedArray, NamedArrays, Snapshot } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import type { Optimizer } from "@heed/optim";
import { assign, data, formatShape, fromArray, Rng, type RngState, scope, type Tensor } from "@heed/tensor";

/** A source of batches whose place can be saved; the cursors of `@heed/data` are. */
export interface ResumableCursor {
  state(): unknown;
  restore(state: unknown): void;
}

/** What a run consists of while it is going on. */
export interface RunState {
  /** updates made */
  readonly step: number;
  readonly model: object;
  readonly optimizer: Optimizer;
  readonly rng: Rng;
  readonly cursor: ResumableCursor;
  /** what was measured so far; kept as it is */
  readonly metrics: JsonObject;
  /** what the run was started with; compared before it is continued */
  readonly settings: JsonObject;
}

/** Distinct tensors by their first name, so that tied weights are stored once. */
function distinct(model: object): Map<string, Tensor> {
  const seen = new Set<Tensor>();
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of stateDict(model)) {
    if (!seen.has(tensor)) found.set(name, tensor);
    seen.add(tensor);
  }
  return found;
}

async function toArrays(tensors: Iterable<readonly [string, Tensor]>): Promise<NamedArrays> {
  const arrays = new Map<string, NamedArray>();
  for (const [name, tensor] of tensors) {
    const values = await data(tensor);
    if (!(values instanceof Float32Array))
      throw new TypeError(`captureRun: tensor ${name} has dtype ${tensor.dtype}, expected float32`);
    arrays.set(name, { dtype: "F32", shape: tensor.shape, values });
  }
  return arrays;
}

/** Copies everything that continues a run bit for bit into plain arrays, for `saveSnapshot`. */
export async function captureRun({
  step,
  model,
  optimizer,
  rng,
  cursor,
  metrics,
  settings,
}: RunState): Promise<Snapshot> {
  const { updates, tensors } = optimizer.state();
  const { key, draws } = rng.state();
  return {
    step,
    settings,
    state: { updates, rng: { key: [...key], draws }, cursor: cursor.state() as JsonObject, metrics },
    arrays: { weights: await toArrays(distinct(model)), optimizer: await toArrays(Object.entries(tensors)) },
  };
}

/** Throws unless the arrays are exactly those the tensors want. */
function checkArrays(
  group: string,
  tensors: ReadonlyMap<string, Tensor>,
  arrays: NamedArrays | undefined,
): asserts arrays is NamedArrays {
  if (!arrays)
    throw new RangeError(`restoreRun: snapshot has no group ${group}, expected one. It was not written by captureRun`);
  for (const name of arrays.keys()) {
    if (!tensors.has(name))
      throw new RangeError(
        `restoreRun: snapshot tensor ${name} of ${group} is unknown here, expected one of this model. Build the model with the options of the run`,
      );
  }
  for (const [name, { shape }] of tensors) {
    const array = arrays.get(name);
    if (!array)
      throw new RangeError(
        `restoreRun: snapshot has no tensor ${name} in ${group}, expected shape ${formatShape(shape)}. Build the model with the options of the run`,
      );
    if (array.dtype !== "F32" || formatShape(array.shape) !== formatShape(shape)) {
      throw new RangeError(
        `restoreRun: snapshot tensor ${name} is ${array.dtype} ${formatShape(array.shape)}, expected F32 ${formatShape(shape)}. Build the model with the options of the run`,
      );
    }
  }
}

function toTensors(tensors: ReadonlyMap<string, Tensor>, arrays: NamedArrays): Map<string, Tensor> {
  return new Map(
    [...tensors].map(([name, { shape, backend }]) => [
      name,
      fromArray(arrays.get(name)!.values as Float32Array, shape, { backend }),
    ]),
  );
}

interface SavedState {
  readonly updates: number;
  readonly rng: RngState;
  readonly cursor: unknown;
  readonly metrics: JsonObject;
}

/**
 * Puts a snapshot's values into a model, optimizer and cursor built with the same options. Checks all before changing any.
 *
 * @returns what the run goes on with: updates made, generator, metrics
 * @throws RangeError naming the first tensor that does not fit
 */
export function restoreRun(
  snapshot: Snapshot,
  into: Pick<RunState, "model" | "optimizer" | "cursor">,
): Pick<RunState, "step" | "rng" | "metrics"> {
  const weights = distinct(into.model);
  const slots = new Map(Object.entries(into.optimizer.state().tensors));
  const { weights: savedWeights, optimizer: savedSlots } = snapshot.arrays;
  checkArrays("weights", weights, savedWeights);
  checkArrays("optimizer", slots, savedSlots);
  const { updates, rng, cursor, metrics } = snapshot.state as unknown as SavedState;
  into.cursor.restore(cursor);
  scope(() => {
    for (const [name, value] of toTensors(weights, savedWeights)) assign(weights.get(name)!, value);
    into.optimizer.loadState({ updates, tensors: Object.fromEntries(toTensors(slots, savedSlots)) });
  });
  return { step: snapshot.step, rng: new Rng(rng), metrics };
}
