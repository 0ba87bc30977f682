import {
  exp,
  less,
  multiply,
  negate,
  relu,
  select,
  sigmoid,
  softplus,
  subtract,
  type Tensor,
  tanh,
} from "@heed/tensor";
import type { Activation } from "./activation.ts";

/** x * sigmoid(1.702 x), a rough gelu. @see Hendrycks and Gimpel 2016, section 2, arXiv:1606.08415; as CLIP. */
export const quickGeluActivation: Activation = (x) => multiply(x, sigmoid(multiply(x, 1.702)));

/** max(x, 0)^2. @see So et al. 2021, Primer, section 4, arXiv:2109.08668. */
export const reluSquaredActivation: Activation = (x) => {
  const positive = relu(x);
  return multiply(positive, positive);
};

/** x * tanh(softplus(x)). @see Misra 2019, Mish, arXiv:1908.08681. */
export const mishActivation: Activation = (x) => multiply(x, tanh(softplus(x)));

/** -softplus(-x), the logarithm of the sigmoid, without overflow. */
export const logSigmoidActivation: Activation = (x) => negate(softplus(negate(x)));

/** x where positive, else alpha (e^x - 1). @see Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289. */
export function eluActivation({ alpha = 1 }: { readonly alpha?: number } = {}): Activation {
  return (x) => {
    const negative = less(x, 0);
    // Only what is kept is raised: e^x of a large x would be infinite, and its gradient not a number.
    return select(negative, multiply(subtract(exp(select(negative, x, 0)), 1), alpha), x);
  };
}

/** x where positive, else slope * x. @see Maas, Hannun and Ng 2013, Rectifier Nonlinearities, section 2. */
export function leakyReluActivation({ slope = 0.01 }: { readonly slope?: number } = {}): Activation {
  return (x) => select(less(x, 0), multiply(x, slope), x);
}

/** 1 / (1 + e^-x), as an activation. */
export const sigmoidActivation: Activation = (x) => sigmoid(x);

/** The hyperbolic tangent, as an activation. */
export const tanhActivation: Activation = (x: Tensor) => tanh(x);
