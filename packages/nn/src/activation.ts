import { gelu, type LinearActivation, relu, silu, type Tensor } from "@heed/tensor";

/**
 * An elementwise function between layers.
 *
 * `fused` is its name in tensor's `linear`, where it has one: a linear layer then computes both in one kernel.
 */
export interface Activation {
  (x: Tensor): Tensor;
  readonly fused?: LinearActivation;
}

const named = (f: (x: Tensor) => Tensor, fused: LinearActivation): Activation =>
  Object.assign((x: Tensor) => f(x), { fused });

/** max(x, 0). */
export const reluActivation: Activation = /* @__PURE__ */ named(relu, "relu");

/**
 * x * Phi(x) with the exact normal distribution function.
 *
 * @see Hendrycks and Gimpel 2016, Gaussian Error Linear Units, arXiv:1606.08415.
 */
export const geluActivation: Activation = /* @__PURE__ */ named((x) => gelu(x), "gelu");

/** The tanh approximation of gelu, as GPT-2 and BERT's first code have it. */
export const geluTanhActivation: Activation = /* @__PURE__ */ named(
  (x) => gelu(x, { approximate: "tanh" }),
  "geluTanh",
);

/** x * sigmoid(x), also called swish. */
export const siluActivation: Activation = /* @__PURE__ */ named(silu, "silu");
