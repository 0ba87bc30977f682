import { applyOne, expectDType } from "../apply.ts";
import { defineFused, type Fused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { erf } from "../primitives/erf.ts";
import { exp } from "../primitives/exp.ts";
import { multiply } from "../primitives/multiply.ts";
import { subtract } from "../primitives/subtract.ts";
import { tanh } from "../primitives/tanh.ts";
import type { Tensor } from "../tensor.ts";

export interface GeluAttributes {
  readonly approximate: "none" | "tanh";
}

/** sqrt(2 / pi) and the cubic coefficient of the approximation. */
const slope = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

const normalCdf = (x: Tensor): Tensor => multiply(add(erf(multiply(x, Math.SQRT1_2)), 1), 0.5);

const approximateTanh = (x: Tensor): Tensor =>
  tanh(multiply(multiply(x, add(multiply(multiply(x, x), cubic), 1)), slope));

const geluBackward: Fused<GeluAttributes> = defineFused<GeluAttributes>({
  name: "geluBackward",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose([x, g], { approximate }) {
    const squared = multiply(x!, x!);
    if (approximate === "none") {
      const density = multiply(exp(multiply(squared, -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return multiply(g!, add(normalCdf(x!), multiply(x!, density)));
    }
    const t = approximateTanh(x!);
    const inner = multiply(add(multiply(squared, 3 * cubic), 1), slope);
    const steep = multiply(multiply(x!, subtract(1, multiply(t, t))), inner);
    return multiply(g!, multiply(add(add(t, 1), steep), 0.5));
  },
});

export const geluFused = defineFused<GeluAttributes>({
  name: "gelu",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose: ([x], { approximate }) =>
    approximate === "none" ? multiply(x!, normalCdf(x!)) : multiply(multiply(x!, 0.5), add(approximateTanh(x!), 1)),
  gradient: ({ inputs, outputGradients, attributes }) => [geluGradient(inputs[0]!, outputGradients[0]!, attributes)],
});

/** The gradient of `gelu` at x, times g. @internal */
export function geluGradient(x: Tensor, g: Tensor, attributes: GeluAttributes): Tensor {
  return applyOne(geluBackward, [x, g], attributes);
}

/**
 * x * Phi(x), Phi being the normal distribution function, elementwise. DTypes: float.
 *
 * @param options.approximate "none" (default) uses erf, "tanh" the approximation of GPT-2
 * @throws RangeError for another name
 * @see Hendrycks and Gimpel 2016, Gaussian Error Linear Units, arXiv:1606.08415.
 */
export function gelu(x: Tensor, { approximate = "none" }: Partial<GeluAttributes> = {}): Tensor {
  expectDType("gelu", { x }, "float32", "float64");
  if (approximate !== "none" && approximate !== "tanh")
    throw new RangeError(`gelu: approximate is unknown, expected none or tanh, got ${String(approximate)}`);
  return applyOne(geluFused, [x], { approximate });
}
