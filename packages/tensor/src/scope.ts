import { engine } from "./engine.ts";
import { isTensor, type Tensor, watch } from "./tensor.ts";

/** The tensors made since a `scope` began and still owned by it. @internal */
export interface Scope {
  readonly tensors: Set<Tensor>;
}

/** Calls `visit` for each tensor in nested lists, maps, sets, and fields of objects and functions. */
function forEachTensor(value: unknown, visit: (tensor: Tensor) => void, seen = new Set<unknown>()): void {
  const walkable = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!walkable || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  if (isTensor(value)) visit(value);
  else if (value instanceof Map || value instanceof Set)
    for (const item of value.values()) forEachTensor(item, visit, seen);
  else for (const item of Object.values(value)) forEachTensor(item, visit, seen);
}

function adopt(tensor: Tensor, from: Scope | undefined, to: Scope | undefined): void {
  if (!from?.tensors.delete(tensor)) return;
  if (to) to.tensors.add(tensor);
  else watch(tensor);
}

/**
 * Runs `f` and frees every tensor made inside, except those in its result and those that `keep` was called on.
 *
 * The result may hold tensors in lists, maps, sets, objects and properties of functions, at any depth. Scopes nest:
 * what leaves one belongs to the next.
 * @throws TypeError if `f` is asynchronous: tensors made after its first `await` would escape
 */
export function scope<T>(f: () => T): T {
  const inner: Scope = { tensors: new Set() };
  const outer = engine.scopes.at(-1);
  engine.scopes.push(inner);
  try {
    const result = f();
    if (result instanceof Promise) {
      throw new TypeError(
        "scope: f returned a promise, expected a synchronous function. Await before or after the scope",
      );
    }
    forEachTensor(result, (tensor) => adopt(tensor, inner, outer));
    return result;
  } finally {
    engine.scopes.pop();
    for (const tensor of inner.tensors) tensor.dispose();
  }
}

/** Takes a tensor (or all tensors of a structure) out of every open scope: it lives until disposed. Returns its argument. */
export function keep<T>(value: T): T {
  forEachTensor(value, (tensor) => {
    for (const open of engine.scopes) adopt(tensor, open, undefined);
    for (const tape of engine.tapes) tape.deferred.delete(tensor);
  });
  return value;
}

/** Frees a tensor or every tensor of a structure now. */
export function dispose(value: unknown): void {
  forEachTensor(value, (tensor) => {
    for (const open of engine.scopes) open.tensors.delete(tensor);
    tensor.dispose();
  });
}
