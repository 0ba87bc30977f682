import { isSaved, isTracked, pullback, record } from "./autodiff.ts";
import type { Backend, Operand } from "./backend.ts";
import { DTypeError, formatShape, TensorStateError, UnsupportedOpError } from "./errors.ts";
import type { Fused, GradientContext, HostView, Operation, Primitive } from "./operation.ts";
import { scope } from "./scope.ts";
import { sizeOf } from "./shape.ts";
import { liveStorage, makeTensor, type Tensor } from "./tensor.ts";
import type { TensorSpec } from "./types.ts";

/**
 * Runs an operation: checks, allocates, computes, and records it for the gradient.
 *
 * The only way operations reach a backend.
 */
export function apply<A extends object>(op: Operation<A>, inputs: readonly Tensor[], attributes: A): readonly Tensor[] {
  const backend = commonBackend(op.name, inputs);
  if (op.kind === "fused" && !backend.kernels[op.name]) return compose(op, inputs, attributes);
  const specs = op.infer(inputs, attributes);
  const outputs =
    (op.kind === "primitive" && op.share?.(inputs, attributes)) || run(backend, op.name, inputs, specs, attributes);
  if (outputs) {
    record(op, inputs, outputs, attributes);
    return outputs;
  }
  if (op.kind === "fused") return compose(op, inputs, attributes);
  const computed = runReference(backend, op, inputs, specs, attributes);
  record(op, inputs, computed, attributes);
  return computed;
}

/** In a scope of its own: intermediate values are freed at once, or by the tape that still needs them. */
function compose<A extends object>(op: Fused<A>, inputs: readonly Tensor[], attributes: A): readonly Tensor[] {
  return [scope(() => op.compose(inputs, attributes))];
}

/** `apply` for operations whose first output is the result. */
export function applyOne<A extends object>(op: Operation<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  return apply(op, inputs, attributes)[0]!;
}

/** Runs a primitive without inputs on a backend. */
export function create<A extends object>(op: Primitive<A>, backend: Backend, attributes: A): Tensor {
  const specs = op.infer([], attributes);
  return (run(backend, op.name, [], specs, attributes) ?? runReference(backend, op, [], specs, attributes))[0]!;
}

/**
 * Runs a kernel that changes its operands in place; false if the backend has none for them.
 *
 * Gradients cannot see such changes, so an operand that an open tape tracks or has saved is an error.
 */
export function applyInPlace(name: string, operands: readonly Tensor[], attributes: object): boolean {
  const backend = commonBackend(name, operands);
  for (const operand of operands) {
    if (isTracked(operand) || isSaved(operand)) {
      throw new TensorStateError(
        `${name}: tensor ${formatShape(operand.shape)} is part of an open differentiation, expected one that is not. Call it after valueAndGradients`,
      );
    }
  }
  return run(backend, name, operands, [], attributes) !== undefined;
}

function commonBackend(where: string, inputs: readonly Tensor[]): Backend {
  const backend = liveStorage(inputs[0]!, where).backend;
  for (const input of inputs) {
    const other = liveStorage(input, where).backend;
    if (other !== backend) {
      throw new TensorStateError(
        `${where}: inputs live on backends ${backend.name} and ${other.name}, expected one backend`,
      );
    }
  }
  return backend;
}

const operandOf = (x: Tensor): Operand => ({ buffer: liveStorage(x).buffer, shape: x.shape, dtype: x.dtype });

/** Runs the backend's kernel; undefined if there is none or it declines. */
function run(
  backend: Backend,
  name: string,
  inputs: readonly Tensor[],
  specs: readonly (TensorSpec | undefined)[],
  attributes: object,
): Tensor[] | undefined {
  const kernel = backend.kernels[name];
  if (!kernel) return undefined;
  const outputs = specs.map((spec) => spec && makeTensor(backend, spec.shape, spec.dtype));
  const accepted = kernel(
    inputs.map(operandOf),
    outputs.map((output) => output && operandOf(output)),
    attributes as Readonly<Record<string, unknown>>,
  );
  if (accepted === false) {
    for (const output of outputs) output?.dispose();
    return undefined;
  }
  backend.count(name, backend.name);
  return outputs as Tensor[];
}

function runReference<A extends object>(
  backend: Backend,
  op: Primitive<A>,
  inputs: readonly Tensor[],
  specs: readonly TensorSpec[],
  attributes: A,
): Tensor[] {
  if (backend.strict)
    throw new UnsupportedOpError(
      `${op.name}: backend ${backend.name} has no kernel for it, expected one in strict mode`,
    );
  const outputs = specs.map((spec) => makeTensor(backend, spec.shape, spec.dtype));
  const copyOut = !backend.hostView;
  const inputViews = inputs.map((input) => hostView(backend, input));
  const outputViews = outputs.map((output) => hostView(backend, output));
  op.reference(inputViews, outputViews, attributes);
  if (copyOut) outputs.forEach((output, i) => backend.write(output.storage!.buffer, outputViews[i]!.values));
  backend.count(op.name, "reference");
  return outputs;
}

function hostView(backend: Backend, x: Tensor): HostView {
  const { buffer } = liveStorage(x);
  const length = sizeOf(x.shape);
  const values = backend.hostView
    ? backend.hostView(buffer, x.dtype, length)
    : backend.readSync?.(buffer, x.dtype, length);
  if (!values) {
    throw new UnsupportedOpError(
      `tensor: backend ${backend.name} has neither a kernel nor host access for this operation`,
    );
  }
  return { values, shape: x.shape, dtype: x.dtype };
}

/** Gradients of a fused operation: its backward kernel where that is enough, its composition otherwise. @internal */
export function fusedGradient<A extends object>(
  op: Fused<A>,
  context: GradientContext<A>,
): readonly (Tensor | undefined)[] {
  if (op.gradient) return op.gradient(context);
  const { inputs, outputs, attributes, needs } = context;
  const outputGradient = context.outputGradients[0]!;
  const higherOrder = isTracked(outputGradient) || inputs.some(isTracked);
  if (!higherOrder) {
    const operands = op.backwardOperands?.(context) ?? [...inputs, ...outputs, outputGradient];
    const specs = inputs.map((input, i) => (needs[i] ? { shape: input.shape, dtype: input.dtype } : undefined));
    const gradients = run(inputs[0]!.backend, `${op.name}Backward`, operands, specs, attributes);
    if (gradients) return gradients;
  }
  const wanted = inputs.filter((_, i) => needs[i]);
  const gradients = pullback(() => op.compose(inputs, attributes), wanted, outputGradient);
  return needs.map((need) => (need ? gradients.shift() : undefined));
}

/** Throws unless every tensor has one of the element types. */
export function expectDType(
  where: string,
  inputs: Readonly<Record<string, Tensor>>,
  ...dtypes: readonly string[]
): void {
  for (const argument in inputs) {
    const { dtype } = inputs[argument]!;
    if (!dtypes.includes(dtype)) {
      throw new DTypeError(`${where}: ${argument} has dtype ${dtype}, expected ${dtypes.join(" or ")}. Use cast`);
    }
  }
}
