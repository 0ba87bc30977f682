/** Activations and their derivatives, four float32 at a time. Used by elementwise kernels and by the ends of matrix products. */
import { constant, erf4, expFlush4, tanh4 } from "./math";
import { madd } from "./simd";

/**
 * One, a half, minus a half, sqrt(1/2), 1 / sqrt(2 pi); then the slopes of gelu's tanh form: c = sqrt(2 / pi),
 * d = 0.044715 c, 3 d.
 */
const TABLE: usize = memory.data<f32>([
  1, 0.5, -0.5, 0.7071067811865476, 0.3989422804014327, 0.7978845608028654, 0.03567740813630061, 0.10703222440890184,
]);

@inline
function sigmoid4(x: v128): v128 {
  const one = constant(TABLE, 0);
  return f32x4.div(one, f32x4.add(one, expFlush4(f32x4.neg(x))));
}

@inline
export function relu4(x: v128): v128 {
  return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
}

@inline
export function reluBackward4(x: v128, g: v128): v128 {
  return v128.andnot(g, f32x4.le(x, f32x4.splat(0)));
}

@inline
export function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(constant(TABLE, 0), expFlush4(f32x4.neg(x))));
}

@inline
export function siluBackward4(x: v128, g: v128): v128 {
  const s = sigmoid4(x), one = constant(TABLE, 0);
  return f32x4.mul(f32x4.mul(g, s), madd(x, f32x4.sub(one, s), one));
}

/** x Phi(x). */
@inline
export function gelu4(x: v128): v128 {
  const half = f32x4.mul(x, constant(TABLE, 1));
  return madd(half, erf4(f32x4.mul(x, constant(TABLE, 3))), half);
}

@inline
export function geluBackward4(x: v128, g: v128): v128 {
  const half = constant(TABLE, 1);
  const cdf = madd(erf4(f32x4.mul(x, constant(TABLE, 3))), half, half);
  const density = f32x4.mul(expFlush4(f32x4.mul(f32x4.mul(x, x), constant(TABLE, 2))), constant(TABLE, 4));
  return f32x4.mul(g, madd(x, density, cdf));
}

/** The tanh approximation of gelu: x (1 + tanh(x (c + d x^2))) / 2. */
@inline
export function geluTanh4(x: v128): v128 {
  const inner = f32x4.mul(x, madd(f32x4.mul(x, x), constant(TABLE, 6), constant(TABLE, 5)));
  const half = f32x4.mul(x, constant(TABLE, 1));
  return madd(half, tanh4(inner), half);
}

@inline
export function geluTanhBackward4(x: v128, g: v128): v128 {
  const square = f32x4.mul(x, x), half = constant(TABLE, 1);
  const t = tanh4(f32x4.mul(x, madd(square, constant(TABLE, 6), constant(TABLE, 5))));
  const slope = madd(square, constant(TABLE, 7), constant(TABLE, 5));
  const steep = f32x4.mul(f32x4.mul(x, f32x4.sub(constant(TABLE, 0), f32x4.mul(t, t))), slope);
  return f32x4.mul(g, madd(f32x4.add(t, steep), half, half));
}
