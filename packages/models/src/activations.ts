import { type Activation, geluActivation, geluTanhActivation, reluActivation, siluActivation } from "@heed/nn";
import { multiply, sigmoid, tanh } from "@heed/tensor";

/** x * sigmoid(1.702 x), the quick approximation of gelu. */
const quickGelu: Activation = (x) => multiply(x, sigmoid(multiply(x, 1.702)));

const squaredRelu: Activation = (x) => {
  const y = reluActivation(x);
  return multiply(y, y);
};

/** Activations by the names that Hugging Face configurations use; several name the same function. */
export const activations = {
  gelu: geluActivation,
  gelu_python: geluActivation,
  gelu_new: geluTanhActivation,
  gelu_fast: geluTanhActivation,
  gelu_accurate: geluTanhActivation,
  gelu_pytorch_tanh: geluTanhActivation,
  quick_gelu: quickGelu,
  relu: reluActivation,
  relu2: squaredRelu,
  silu: siluActivation,
  swish: siluActivation,
  sigmoid: sigmoid as Activation,
  tanh: tanh as Activation,
} as const satisfies Readonly<Record<string, Activation>>;

/** Name of an activation in a configuration. */
export type ActivationName = keyof typeof activations;
