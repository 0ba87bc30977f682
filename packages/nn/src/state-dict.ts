import { assign, formatShape, isTensor, ShapeError, type Tensor } from "@heed/tensor";

/** Weights by name, in the order of the fields. */
export type StateDict = Map<string, Tensor>;

/** Anything with fields: a layer, a model, a list of layers, a function that carries its weights as properties. */
export type Module = object;

function walk(
  value: unknown,
  path: string,
  visit: (name: string, tensor: Tensor) => void,
  above: readonly unknown[],
  isLeftOut: (value: unknown) => boolean = () => false,
): void {
  if (isTensor(value)) return visit(path, value);
  const walkable = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!walkable || ArrayBuffer.isView(value) || above.includes(value) || isLeftOut(value)) return;
  const children = value instanceof Map ? [...value] : Object.entries(value);
  for (const [key, child] of children)
    walk(child, path ? `${path}.${key}` : String(key), visit, [...above, value], isLeftOut);
}

/**
 * Every tensor of a module, named by its path: `blocks.0.attention.projection.qkv.weight`.
 *
 * Follows fields, list items (by index), map entries and properties of functions. A tensor that two fields share stands
 * under both names. Weights captured in a closure are not fields and are not found.
 *
 * @example
 * stateDict(createLayerNorm({ dModel: 4 })).keys(); // "gain", "bias"
 */
export function stateDict(module: Module): StateDict {
  const found: StateDict = new Map();
  walk(module, "", (name, tensor) => found.set(name, tensor), []);
  return found;
}

const isFixed = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "trainable" in value && value.trainable === false;

/**
 * The distinct trainable tensors of a module, those of float type: a tied weight once, at its first place.
 *
 * A part whose field `trainable` is false keeps its tensors out: they are saved and loaded, not learned.
 *
 * @example
 * const { gradients } = valueAndGradients(() => loss(), parameters(model));
 */
export function parameters(module: Module): Tensor[] {
  const found = new Set<Tensor>();
  walk(module, "", (_, tensor) => found.add(tensor), [], isFixed);
  return [...found].filter(({ dtype }) => dtype === "float32" || dtype === "float64");
}

/** Number of trainable values; a tied weight counts once. */
export function countParameters(module: Module): number {
  return parameters(module).reduce((count, { size }) => count + size, 0);
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

/**
 * Copies weights into a module. All or nothing: names, shapes and types are checked before the first copy.
 *
 * @param state exactly the names of `stateDict(module)`
 * @throws ShapeError listing what is missing, what is unexpected and what has another shape or type
 */
export function loadStateDict(module: Module, state: ReadonlyMap<string, Tensor>): void {
  const own = stateDict(module);
  const missing = [...own.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !own.has(name));
  const describe = ({ dtype, shape }: Tensor): string => `${dtype} ${formatShape(shape)}`;
  const different = [...own].flatMap(([name, tensor]) => {
    const given = state.get(name);
    return given && describe(given) !== describe(tensor)
      ? [`${name} expected ${describe(tensor)}, got ${describe(given)}`]
      : [];
  });
  if (missing.length + unexpected.length + different.length > 0) {
    const problems = [
      missing.length > 0 && `missing: ${listed(missing)}`,
      unexpected.length > 0 && `unexpected: ${listed(unexpected)}`,
      different.length > 0 && `different: ${listed(different)}`,
    ].filter(Boolean);
    throw new ShapeError(
      `loadStateDict: state does not fit the module, expected its ${own.size} names and shapes, got ${problems.join("; ")}. Build the module with the options the weights were saved with`,
    );
  }
  for (const [name, tensor] of own) assign(tensor, state.get(name)!);
}
