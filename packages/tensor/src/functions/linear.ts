import { applyOne, expectDType } from "../apply.ts";
import { defineFused, type GradientContext } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { matmul } from "../primitives/matmul.ts";
import { reshape } from "../primitives/reshape.ts";
import { sum } from "../primitives/sum.ts";
import { bindShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { gelu, geluGradient } from "./gelu.ts";
import { relu, reluGradient } from "./relu.ts";
import { silu, siluGradient } from "./silu.ts";

/** What may follow a linear map in the same kernel. */
export type LinearActivation = "none" | "relu" | "gelu" | "geluTanh" | "silu";

interface ActivationRule {
  readonly forward: (x: Tensor) => Tensor;
  readonly gradient: (x: Tensor, g: Tensor) => Tensor;
}

const activations: Readonly<Record<Exclude<LinearActivation, "none">, ActivationRule>> = {
  relu: { forward: relu, gradient: reluGradient },
  gelu: { forward: (x) => gelu(x), gradient: (x, g) => geluGradient(x, g, { approximate: "none" }) },
  geluTanh: {
    forward: (x) => gelu(x, { approximate: "tanh" }),
    gradient: (x, g) => geluGradient(x, g, { approximate: "tanh" }),
  },
  silu: { forward: silu, gradient: siluGradient },
};

export interface LinearAttributes {
  readonly activation: LinearActivation;
}

/** Gradient before the activation: through it, and from rules that used the saved values (gradients of gradients). */
function preActivationGradient({
  outputs,
  outputGradients: [g, saved],
  attributes: { activation },
}: GradientContext<LinearAttributes>): Tensor {
  if (activation === "none") return g!;
  const through = g && activations[activation].gradient(outputs[1]!, g);
  return through && saved ? add(through, saved) : (through ?? saved)!;
}

/** Operands x [N, K], weight [O, K], and bias [O] where there is one. Saves the values before an activation. */
export const linearFused = defineFused<LinearAttributes>({
  name: "linear",
  infer([x, weight], { activation }) {
    const y = { shape: [x!.shape[0]!, weight!.shape[0]!], dtype: x!.dtype };
    return activation === "none" ? [y] : [y, y];
  },
  compose([x, weight, bias], { activation }) {
    const product = matmul(x!, weight!, { transposeB: true });
    const y = bias ? add(product, bias) : product;
    return activation === "none" ? y : activations[activation].forward(y);
  },
  gradient(context) {
    const {
      inputs: [x, weight],
      needs,
    } = context;
    const g = preActivationGradient(context);
    return [
      needs[0] ? matmul(g, weight!) : undefined,
      needs[1] ? matmul(g, x!, { transposeA: true }) : undefined,
      needs[2] ? sum(g, { axes: 0 }) : undefined,
    ];
  },
});

/**
 * activation(x weight^T + bias).
 *
 * Shapes: x [..., K], weight [O, K] as PyTorch stores it, bias [O] -> [..., O]. DTypes: float, all equal.
 * @param options.activation default "none"; "gelu" is the exact one
 * @throws ShapeError if the inner sizes differ; RangeError for an unknown activation
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { activation = "none" }: Partial<LinearAttributes> = {},
): Tensor {
  if (activation !== "none" && !Object.hasOwn(activations, activation)) {
    throw new RangeError(
      `linear: activation is unknown, expected none, ${Object.keys(activations).join(", ")}, got ${String(activation)}`,
    );
  }
  expectDType("linear", { x }, "float32", "float64");
  expectDType("linear", bias ? { weight, bias } : { weight }, x.dtype);
  const { K, O } = bindShapes("linear", {
    x: [x, "... K"],
    weight: [weight, "O K"],
    ...(bias && { bias: [bias, "O"] }),
  });
  const rows = x.shape.length === 2 ? x : reshape(x, [x.shape.slice(0, -1).reduce((n, size) => n * size, 1), K]);
  const y = applyOne(linearFused, bias ? [rows, weight, bias] : [rows, weight], { activation });
  return x.shape.length === 2 ? y : reshape(y, [...x.shape.slice(0, -1), O]);
}
