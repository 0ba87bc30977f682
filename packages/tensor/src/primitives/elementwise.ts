import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive, type GradientContext, type HostView, type Primitive } from "../operation.ts";
import { broadcastShapes } from "../shape.ts";
import { broadcastStrides, forEachIndex } from "../strides.ts";
import { scalarLike, type Tensor } from "../tensor.ts";
import type { DType, Shape } from "../types.ts";

/** What elementwise functions take: numbers become scalars of the other side's type and backend. */
export type TensorOrNumber = Tensor | number;

type Unary = GradientContext<object>;

/** An elementwise primitive of one float argument. `gradient` gives d/dx, times the output's gradient `g`. */
export function unary(
  name: string,
  f: (x: number) => number,
  gradient?: (x: Tensor, g: Tensor, y: Tensor) => Tensor,
  dtypes: readonly DType[] = ["float32", "float64"],
): Primitive {
  return definePrimitive({
    name,
    infer([x]) {
      expectDType(name, { x: x! }, ...dtypes);
      return [{ shape: x!.shape, dtype: x!.dtype }];
    },
    reference([x], [y]) {
      const from = x!.values;
      const to = y!.values;
      for (let i = 0; i < to.length; i++) to[i] = f(from[i]!);
    },
    ...(gradient && {
      gradient: ({ inputs, outputs, outputGradients }: Unary) => [
        gradient(inputs[0]!, outputGradients[0]!, outputs[0]!),
      ],
    }),
  });
}

function binaryReference(float: (a: number, b: number) => number, int32 = float) {
  return ([a, b]: readonly HostView[], [y]: readonly HostView[]): void => {
    const to = y!.values;
    const f = a!.dtype === "int32" ? int32 : float;
    forEachIndex(
      y!.shape,
      [broadcastStrides(a!.shape, y!.shape), broadcastStrides(b!.shape, y!.shape)],
      (i, [ia, ib]) => {
        to[i] = f(a!.values[ia!]!, b!.values[ib!]!);
      },
    );
  };
}

export interface BinaryOptions {
  readonly dtypes?: readonly DType[];
  /** element type of the result; default: that of the arguments */
  readonly result?: DType;
  /** the operation on int32, where it needs another; default: the same, wrapped around */
  readonly int32?: (a: number, b: number) => number;
  /** gradients before they are summed back to the arguments' shapes; called only for those needed */
  readonly gradients?: readonly [BinaryGradient, BinaryGradient];
}

type BinaryGradient = (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** An elementwise primitive of two arguments of one type, with broadcasting. */
export function binary(
  name: string,
  f: (a: number, b: number) => number,
  sumTo: (g: Tensor, shape: Shape) => Tensor,
  { dtypes = ["float32", "float64", "int32"], result, int32, gradients }: BinaryOptions,
): Primitive {
  return definePrimitive({
    name,
    infer([a, b]) {
      expectDType(name, { a: a! }, ...dtypes);
      expectDType(name, { b: b! }, a!.dtype);
      return [{ shape: broadcastShapes(name, a!.shape, b!.shape), dtype: result ?? a!.dtype }];
    },
    reference: binaryReference(f, int32),
    ...(gradients && {
      gradient: ({ inputs, outputs, outputGradients, needs }: Unary) =>
        gradients.map((rule, i) =>
          needs[i]
            ? sumTo(rule(outputGradients[0]!, inputs[0]!, inputs[1]!, outputs[0]!), inputs[i]!.shape)
            : undefined,
        ),
    }),
  });
}

const isNumber = (x: TensorOrNumber): x is number => typeof x === "number";

/** Runs a binary primitive on tensors or numbers; at least one side is a tensor. */
export function applyBinary(op: Primitive, a: TensorOrNumber, b: TensorOrNumber): Tensor {
  if (isNumber(a) && isNumber(b))
    throw new TypeError(`${op.name}: a and b are both numbers, expected at least one tensor, got ${a} and ${b}`);
  if (isNumber(a)) return withScalar(b as Tensor, a, (scalar) => applyOne(op, [scalar, b as Tensor], {}));
  if (isNumber(b)) return withScalar(a, b, (scalar) => applyOne(op, [a, scalar], {}));
  return applyOne(op, [a, b], {});
}

/** Lends a scalar like another tensor. A tape that reads it later keeps it until then. */
export function withScalar(like: Tensor, value: number, f: (scalar: Tensor) => Tensor): Tensor {
  const scalar = scalarLike(like, value);
  try {
    return f(scalar);
  } finally {
    scalar.dispose();
  }
}
