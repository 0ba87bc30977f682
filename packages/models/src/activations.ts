import { type Activation, geluActivation, geluTanhActivation, reluActivation, siluActivation } from "@heed/nn";
import { less, minimum, multiply, select, sigmoid, softplus, tanh } from "@heed/tensor";

/** x * sigmoid(1.702 x), the quick approximation of gelu. */
const quickGelu: Activation = (x) => multiply(x, sigmoid(multiply(x, 1.702)));

const squaredRelu: Activation = (x) => {
  const y = reluActivation(x);
  return multiply(y, y);
};

const relu6: Activation = (x) => minimum(reluActivation(x), 6);

const leakyRelu: Activation = (x) => select(less(x, 0), multiply(x, 0.01), x);

const mish: Activation = (x) => multiply(x, tanh(softplus(x)));

/** Activations by the names that Hugging Face configurations use; several name the same function. */
export const activations = {
  gelu: geluActivation,
  gelu_python: geluActivation,
  gelu_new: geluTanhActivation,
  gelu_fast: geluTanhActivation,
  gelu_accurate: geluTanhActivation,
  gelu_pytorch_tanh: geluTanhActivation,
  quick_gelu: quickGelu,
  leaky_relu: leakyRelu,
  linear: (x) => x,
  mish,
  relu: reluActivation,
  relu2: squaredRelu,
  relu6,
  silu: siluActivation,
  swish: siluActivation,
  sigmoid,
  tanh,
} as const satisfies Readonly<Record<string, Activation>>;

/** Name of an activation in a configuration. */
export type ActivationName = keyof typeof activations;

/** Every name of an activation. */
export const activationNames = Object.keys(activations) as ActivationName[];
