import type { Epilogue } from "./matmul-code.ts";

/**
 * The error function with a relative error below 1e-6: the series near 0, elsewhere the rational approximation of
 * Abramowitz and Stegun 1964, 7.1.26, whose absolute error is below 1.5e-7.
 */
const erf = `fn erf4(x : vec4f) -> vec4f {
  let y = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * y);
  let far = 1.0 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-y * y);
  let q = x * x;
  let near = y * (1.1283791671 + q * (-0.3761263890 + q * (0.1128379167 + q * (-0.0268661706 + q * 0.0052239776))));
  return sign(x) * select(far, near, y < vec4f(0.5));
}`;

const codes: Readonly<Record<Exclude<Epilogue, "none">, string>> = {
  relu: "fn activate(x : vec4f) -> vec4f { return max(x, vec4f(0.0)); }",
  silu: "fn activate(x : vec4f) -> vec4f { return x / (1.0 + exp(-x)); }",
  gelu: `${erf}
fn activate(x : vec4f) -> vec4f { return 0.5 * x * (1.0 + erf4(x * 0.70710678118)); }`,
  geluTanh: `fn activate(x : vec4f) -> vec4f {
  let inner = clamp(0.7978845608 * (x + 0.044715 * x * x * x), vec4f(-20.0), vec4f(20.0));
  return 0.5 * x * (1.0 + tanh(inner));
}`,
};

/** `activate`, four elements at once. */
export const activationCode = (activation: Exclude<Epilogue, "none">): string => codes[activation];
