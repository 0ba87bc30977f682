/**
 * Reverse-mode differentiation. Knows no operation by name.
 *
 * While `f` runs, a tape records the operations whose inputs depend on the tensors asked for. Walking it backwards
 * calls each operation's gradient rule, which is made of ordinary operations: an enclosing tape records those too,
 * so gradients of gradients need nothing special.
 */
import { fusedGradient } from "./apply.ts";
import { engine } from "./engine.ts";
import { DTypeError, formatShape, ShapeError } from "./errors.ts";
import type { GradientContext, Operation } from "./operation.ts";
import { add } from "./primitives/add.ts";
import { reshape } from "./primitives/reshape.ts";
import { scope } from "./scope.ts";
import { full, isTensor, type Tensor } from "./tensor.ts";
import { isFloat } from "./types.ts";

interface Step {
  readonly op: Operation<object>;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: object;
}

/** What one differentiation has recorded. @internal */
export interface Tape {
  readonly steps: Step[];
  /** Tensors that depend on the ones differentiated with respect to. */
  readonly tracked: Set<Tensor>;
  /** Inputs and outputs of the steps: disposing one of them waits for the tape. */
  readonly saved: Set<Tensor>;
  readonly deferred: Set<Tensor>;
}

/** Notes an operation on every open tape that it concerns. @internal */
export function record<A extends object>(
  op: Operation<A>,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  attributes: A,
): void {
  if (op.kind === "primitive" && !op.gradient) return;
  for (const tape of engine.tapes) {
    if (!inputs.some((input) => tape.tracked.has(input))) continue;
    tape.steps.push({ op: op as unknown as Operation<object>, inputs, outputs, attributes });
    for (const input of inputs) tape.saved.add(input);
    for (const output of outputs) {
      tape.saved.add(output);
      if (isFloat(output.dtype)) tape.tracked.add(output);
    }
  }
}

/** True if an open tape will want a gradient through `x`. */
export function isTracked(x: Tensor): boolean {
  return engine.tapes.some((tape) => tape.tracked.has(x));
}

/** True if the backward pass of an open tape may read `x`. @internal */
export function isSaved(x: Tensor): boolean {
  return engine.tapes.some((tape) => tape.saved.has(x));
}

/** Runs `f` on a new tape and hands both to `then`; afterwards frees what was disposed while the tape needed it. */
function taped<T>(f: () => Tensor, wanted: readonly Tensor[], then: (value: Tensor, tape: Tape) => T): T {
  const tape: Tape = { steps: [], tracked: new Set(wanted), saved: new Set(), deferred: new Set() };
  const record = (): Tensor => {
    engine.tapes.push(tape);
    try {
      return f();
    } finally {
      engine.tapes.splice(engine.tapes.indexOf(tape), 1);
    }
  };
  try {
    return then(record(), tape);
  } finally {
    for (const x of tape.deferred) x.dispose();
  }
}

/**
 * Gradients so far, with the number of places each one stands in: a rule may hand on one tensor to several inputs.
 * With `free`, a gradient that stands nowhere any more is freed.
 */
class Gradients {
  private readonly of = new Map<Tensor, Tensor>();
  private readonly uses = new Map<Tensor, number>();
  private readonly free: boolean;

  constructor(free: boolean) {
    this.free = free;
  }

  get(x: Tensor): Tensor | undefined {
    return this.of.get(x);
  }

  /** Adds what one step contributes, given as pairs of an input and its gradient. */
  addAll(contributions: readonly (readonly [Tensor, Tensor])[]): void {
    for (const [, gradient] of contributions) this.retain(gradient);
    for (const [x, gradient] of contributions) {
      const sum = this.of.get(x);
      if (!sum) {
        this.of.set(x, gradient);
        continue;
      }
      const next = add(sum, gradient);
      this.retain(next);
      this.of.set(x, next);
      this.release(sum);
      this.release(gradient);
    }
  }

  delete(x: Tensor): void {
    const gradient = this.of.get(x);
    if (!gradient) return;
    this.of.delete(x);
    this.release(gradient);
  }

  private retain(gradient: Tensor): void {
    this.uses.set(gradient, (this.uses.get(gradient) ?? 0) + 1);
  }

  private release(gradient: Tensor): void {
    const left = this.uses.get(gradient)! - 1;
    this.uses.set(gradient, left);
    if (left === 0 && this.free) disposeOwned(gradient);
  }
}

/** Frees a tensor if the innermost scope owns it: not one the caller brought or kept. */
function disposeOwned(x: Tensor): void {
  if (engine.scopes.at(-1)?.tensors.delete(x)) x.dispose();
}

/**
 * Walks the tape backwards from `value`.
 *
 * With no tape around this one, values and gradients are freed as soon as no later step can read them, which keeps
 * the peak near the size of the activations.
 */
function backward(tape: Tape, value: Tensor, seed: Tensor, wanted: readonly Tensor[]): Tensor[] {
  const free = engine.tapes.length === 0;
  const keepAlive = new Set<Tensor>([value, seed, ...wanted]);
  const gradients = new Gradients(free);
  gradients.addAll([[value, seed]]);
  for (let i = tape.steps.length - 1; i >= 0; i--) {
    const step = tape.steps[i]!;
    const outputGradients = step.outputs.map((output) => gradients.get(output));
    if (outputGradients.some((gradient) => gradient !== undefined)) {
      const needs = step.inputs.map((input) => tape.tracked.has(input));
      const inputGradients = scope(() => gradientsOf(step, outputGradients, needs));
      gradients.addAll(
        step.inputs.flatMap((input, j) => (needs[j] && inputGradients[j] ? [[input, inputGradients[j]] as const] : [])),
      );
    }
    for (const output of step.outputs) {
      if (wanted.includes(output)) continue;
      gradients.delete(output);
      if (!free || keepAlive.has(output)) continue;
      if (tape.deferred.delete(output)) output.dispose();
      else disposeOwned(output);
    }
    tape.steps.length = i;
  }
  const given = new Set<Tensor>();
  return wanted.map((x) => distinct(gradients.get(x) ?? zerosLike(x), given));
}

/** A gradient that stands for two tensors is handed out as two tensors that share memory, each with a life of its own. */
function distinct(gradient: Tensor, given: Set<Tensor>): Tensor {
  if (given.has(gradient)) return reshape(gradient, gradient.shape);
  given.add(gradient);
  return gradient;
}

function gradientsOf(step: Step, outputGradients: readonly (Tensor | undefined)[], needs: readonly boolean[]) {
  const context: GradientContext<object> = { ...step, outputGradients, needs };
  const { op } = step;
  return op.kind === "fused" ? fusedGradient(op, context) : op.gradient!(context);
}

/** Gradients of the inner product of `f()` with `outputGradient`. Zeros where `f` does not depend on a tensor. @internal */
export function pullback(f: () => Tensor, wanted: readonly Tensor[], outputGradient: Tensor): Tensor[] {
  return scope(() => taped(f, wanted, (value, tape) => backward(tape, value, outputGradient, wanted)));
}

const zerosLike = (x: Tensor): Tensor => full(x.shape, 0, { dtype: x.dtype, backend: x.backend });

function checkArguments(wanted: readonly Tensor[]): void {
  wanted.forEach((x, i) => {
    if (!isFloat(x.dtype))
      throw new DTypeError(`valueAndGradients: tensors[${i}] has dtype ${x.dtype}, expected a float dtype`);
  });
}

function checkValue(value: Tensor): void {
  if (!isTensor(value)) {
    const what = (value as unknown) instanceof Promise ? "a promise" : typeof value;
    throw new TypeError(`valueAndGradients: f returned ${what}, expected a tensor. Await before or after`);
  }
  if (value.size !== 1) {
    throw new ShapeError(
      `valueAndGradients: f returned shape ${formatShape(value.shape)}, expected one element. Reduce with mean or sum`,
    );
  }
  if (!isFloat(value.dtype))
    throw new DTypeError(`valueAndGradients: f returned dtype ${value.dtype}, expected a float dtype`);
}

/**
 * The value of `f()` and its gradients with respect to tensors it uses.
 *
 * Everything else made inside is freed; call `keep` on what should survive. Gradients have the shapes of the tensors;
 * one that `f` does not depend on gets zeros. Gradients of different tensors may share memory.
 *
 * @param tensors a list, or an object of tensors; gradients come back in the same form
 * @throws ShapeError if `f` returns more than one element
 * @example
 * const { value, gradients } = valueAndGradients(() => mean(multiply(w, w)), [w]);
 */
export function valueAndGradients<const P extends readonly Tensor[] | Readonly<Record<string, Tensor>>>(
  f: () => Tensor,
  tensors: P,
): { value: Tensor; gradients: { -readonly [K in keyof P]: Tensor } } {
  const isList = Array.isArray(tensors);
  const wanted: Tensor[] = isList ? [...tensors] : Object.values(tensors);
  checkArguments(wanted);
  return scope(() =>
    taped(f, wanted, (value, tape) => {
      checkValue(value);
      const seed = full(value.shape, 1, { dtype: value.dtype, backend: value.backend });
      const found = backward(tape, value, seed, wanted);
      const gradients = isList ? found : Object.fromEntries(Object.keys(tensors).map((key, i) => [key, found[i]!]));
      return { value, gradients: gradients as { -readonly [K in keyof P]: Tensor } };
    }),
  );
}
