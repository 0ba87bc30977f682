import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import { broadcastShapes } from "../shape.ts";
import { broadcastStrides, forEachIndex } from "../strides.ts";
import type { Tensor } from "../tensor.ts";
import { type TensorOrNumber, withScalar } from "./elementwise.ts";
import { equal } from "./equal.ts";
import { multiply } from "./multiply.ts";
import { sumTo } from "./sum.ts";

export const selectPrimitive = definePrimitive({
  name: "select",
  infer([condition, a, b]) {
    expectDType("select", { condition: condition! }, "bool");
    expectDType("select", { b: b! }, a!.dtype);
    return [
      {
        shape: broadcastShapes("select", condition!.shape, broadcastShapes("select", a!.shape, b!.shape)),
        dtype: a!.dtype,
      },
    ];
  },
  reference([condition, a, b], [y]) {
    const strides = [condition!, a!, b!].map((x) => broadcastStrides(x.shape, y!.shape));
    forEachIndex(y!.shape, strides, (i, [ic, ia, ib]) => {
      y!.values[i] = condition!.values[ic!] ? a!.values[ia!]! : b!.values[ib!]!;
    });
  },
  gradient({ inputs: [condition, a, b], outputGradients: [g], needs }) {
    return [
      undefined,
      needs[1] ? sumTo(select(condition!, g!, 0), a!.shape) : undefined,
      needs[2] ? sumTo(select(condition!, 0, g!), b!.shape) : undefined,
    ];
  },
});

/**
 * a where the condition holds, b elsewhere, elementwise with broadcasting of all three.
 *
 * The side not taken gets no gradient, and nothing of its values (NaN, infinity) reaches the result.
 * DTypes: condition bool; a and b any, equal; one of them may be a number.
 * @throws ShapeError if the shapes do not broadcast
 */
export function select(condition: Tensor, a: TensorOrNumber, b: TensorOrNumber): Tensor {
  if (typeof a === "number" && typeof b === "number")
    throw new TypeError(`select: a and b are both numbers, expected at least one tensor, got ${a} and ${b}`);
  const run = (x: Tensor, y: Tensor): Tensor => applyOne(selectPrimitive, [condition, x, y], {});
  if (typeof a === "number") return withScalar(b as Tensor, a, (scalar) => run(scalar, b as Tensor));
  if (typeof b === "number") return withScalar(a, b, (scalar) => run(a, scalar));
  return run(a, b);
}

/** The gradient of the argument that a maximum or minimum took: g, nothing where it lost, half at ties. */
export function halveTies(g: Tensor, a: Tensor, b: Tensor, lost: Tensor): Tensor {
  return select(lost, 0, select(equal(a, b), multiply(g, 0.5), g));
}
