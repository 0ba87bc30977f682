/** Activations and their derivatives, four float32 at a time. Used by elementwise kernels and by the ends of matrix products. */
import { erf4, expFlush4 } from "./math";
import { madd } from "./simd";

// gelu's tanh form is x sigmoid(x (C1 + C3 x^2)): twice sqrt(2 / pi), and that times 0.044715
const C1: f32 = 1.5957691216057308;
const C3: f32 = 0.07135481282744266;

// @ts-ignore: decorator
@inline
function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, expFlush4(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
export function relu4(x: v128): v128 {
  return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
export function reluBackward4(x: v128, g: v128): v128 {
  return v128.andnot(g, f32x4.le(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
export function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), expFlush4(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
export function siluBackward4(x: v128, g: v128): v128 {
  const s = sigmoid4(x), one = f32x4.splat(1);
  return f32x4.mul(f32x4.mul(g, s), madd(x, f32x4.sub(one, s), one));
}

/** x Phi(x). */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const half = f32x4.mul(x, f32x4.splat(0.5));
  return madd(half, erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476))), half);
}

// @ts-ignore: decorator
@inline
export function geluBackward4(x: v128, g: v128): v128 {
  const half = f32x4.splat(0.5);
  const cdf = madd(erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476))), half, half);
  const density = f32x4.mul(expFlush4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5))), f32x4.splat(0.3989422804014327));
  return f32x4.mul(g, madd(x, density, cdf));
}

/** The tanh approximation of gelu. */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const minus = f32x4.mul(x, madd(f32x4.mul(x, x), f32x4.splat(-C3), f32x4.splat(-C1)));
  return f32x4.div(x, f32x4.add(f32x4.splat(1), expFlush4(minus)));
}

// @ts-ignore: decorator
@inline
export function geluTanhBackward4(x: v128, g: v128): v128 {
  const square = f32x4.mul(x, x), one = f32x4.splat(1);
  const s = sigmoid4(f32x4.mul(x, madd(square, f32x4.splat(C3), f32x4.splat(C1))));
  const inner = madd(square, f32x4.splat(3 * C3), f32x4.splat(C1));
  const steep = f32x4.mul(f32x4.mul(f32x4.mul(x, s), f32x4.sub(one, s)), inner);
  return f32x4.mul(g, f32x4.add(s, steep));
}
