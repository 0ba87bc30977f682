import type { Tensor } from "./tensor.ts";
import type { DType, Shape, TensorSpec, TypedArray } from "./types.ts";

/** Everything a gradient rule may use. Gradients are tensors made by ordinary operations. */
export interface GradientContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Gradient of each output; undefined where nothing depends on it. At least one is there. */
  readonly outputGradients: readonly (Tensor | undefined)[];
  readonly attributes: A;
  /** Which inputs need a gradient; the others may be left undefined. */
  readonly needs: readonly boolean[];
}

/** An array with its shape, as reference kernels see it. */
export interface HostView {
  readonly values: TypedArray;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The definition of a primitive: slow, plain, right. Writes every element of every output. */
export type ReferenceKernel<A> = (inputs: readonly HostView[], outputs: readonly HostView[], attributes: A) => void;

/**
 * An operation that compositions are made of.
 *
 * `infer` is the shape rule: it checks the inputs and returns what comes out. `gradient` is left out where the result
 * does not depend on its inputs smoothly (comparisons, argmax); then nothing flows back.
 */
export interface Primitive<A = object> {
  readonly kind: "primitive";
  readonly name: string;
  infer(inputs: readonly Tensor[], attributes: A): readonly TensorSpec[];
  readonly reference: ReferenceKernel<A>;
  /** Outputs that share the inputs' memory (a reshape), where that can be had; tried before any kernel. */
  share?(inputs: readonly Tensor[], attributes: A): readonly Tensor[] | undefined;
  /** Returns new tensors or output gradients, never an input or output itself. */
  gradient?(context: GradientContext<A>): readonly (Tensor | undefined)[];
}

/**
 * A composition that a backend may run as one kernel, `name`.
 *
 * `compose` is the definition. `infer` lists what the kernel writes: the result first, then what its backward kernel
 * `${name}Backward` wants saved. That kernel reads `backwardOperands` and writes one gradient per input that needs one
 * (shaped like the input). Without a backward kernel, and for gradients of gradients, the composition is differentiated.
 */
export interface Fused<A = object> {
  readonly kind: "fused";
  readonly name: string;
  infer(inputs: readonly Tensor[], attributes: A): readonly TensorSpec[];
  compose(inputs: readonly Tensor[], attributes: A): Tensor;
  /** A rule made of ordinary operations, where that is as fast as a kernel; then no backward kernel is looked for. */
  gradient?(context: GradientContext<A>): readonly (Tensor | undefined)[];
  /** default: inputs, then outputs, then the gradient of the result */
  backwardOperands?(context: GradientContext<A>): readonly Tensor[];
}

export type Operation<A = object> = Primitive<A> | Fused<A>;

/** Gives `Primitive` literals their attribute type. */
export function definePrimitive<A extends object = object>(primitive: Omit<Primitive<A>, "kind">): Primitive<A> {
  return { kind: "primitive", ...primitive };
}

/** Gives `Fused` literals their attribute type. */
export function defineFused<A extends object = object>(fused: Omit<Fused<A>, "kind">): Fused<A> {
  return { kind: "fused", ...fused };
}
