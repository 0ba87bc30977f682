/**
 * Vector mathematics: four float32 at a time. A lane's result depends on that lane alone.
 *
 * The polynomials and fractions are minimax fits made for these files (weights for relative error, coefficients rounded
 * to float32); test/wasm/math.test.ts measures the errors over dense grids. In ulp, with and without fused multiply-add:
 * exp 1.2, log 1.2, tanh and erf 4.5, sin and cos 1.6 (of 1, near their zeros), rsqrt 1.5; limits are exact.
 */
import { madd } from "./simd";

// 1.5 * 2^23: added to a float of magnitude below 2^22 it leaves the nearest whole number in the low bits.
const ROUNDER: f32 = 12582912;
const LOG2_E: f32 = 1.44269504088896341;
// ln 2 and pi / 2 in parts: the first have few bits, so that their products with small whole numbers are exact.
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440054690583e-4;
const HALF_PI_HIGH: f32 = 1.5703125;
const HALF_PI_MIDDLE: f32 = 4.837512969970703125e-4;
const HALF_PI_LOW: f32 = 7.54978995489188216e-8;

/** e^r on |r| <= 0.348. */
// @ts-ignore: decorator
@inline
function expPolynomial(r: v128): v128 {
  let p = madd(f32x4.splat(0.0013814250705763698), r, f32x4.splat(0.008368921466171741));
  p = madd(p, r, f32x4.splat(0.04166840761899948));
  p = madd(p, r, f32x4.splat(0.1666651964187622));
  p = madd(p, r, f32x4.splat(0.4999999403953552));
  return f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
}

/** x - n ln 2. */
// @ts-ignore: decorator
@inline
function expRemainder(x: v128, n: v128): v128 {
  return madd(n, f32x4.splat(-LN2_LOW), madd(n, f32x4.splat(-LN2_HIGH), x));
}

/** e^x for sums and quotients: 0 instead of a subnormal result (x < -87.33), infinity from 88.38 on. The fast one. */
// @ts-ignore: decorator
@inline
export function expFlush4(x: v128): v128 {
  x = f32x4.pmin(x, f32x4.splat(89));
  const rounded = madd(x, f32x4.splat(LOG2_E), f32x4.splat(ROUNDER));
  const p = expPolynomial(expRemainder(x, f32x4.sub(rounded, f32x4.splat(ROUNDER))));
  // 2^n; n = 128 gives infinity.
  const scale = i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(0x3f800000));
  return v128.andnot(f32x4.mul(p, scale), f32x4.lt(x, f32x4.splat(-87.33)));
}

/** e^x over the whole range, subnormal results included. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  if (v128.any_true(f32x4.gt(f32x4.abs(x), f32x4.splat(87)))) return expWide4(x);
  return expFlush4(x);
}

/** As `expFlush4`, but scales in two steps, neither of which leaves the range of normal numbers. */
function expWide4(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104.5));
  const rounded = madd(x, f32x4.splat(LOG2_E), f32x4.splat(ROUNDER));
  const p = expPolynomial(expRemainder(x, f32x4.sub(rounded, f32x4.splat(ROUNDER))));
  const n = i32x4.sub(rounded, f32x4.splat(ROUNDER));
  const half = i32x4.shr_s(n, 1);
  const one = i32x4.splat(0x3f800000);
  const first = i32x4.add(i32x4.shl(half, 23), one);
  const second = i32x4.add(i32x4.shl(i32x4.sub(n, half), 23), one);
  return f32x4.mul(f32x4.mul(p, first), second);
}

/** The natural logarithm: -infinity at 0, NaN below. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // Everything but positive normal numbers, as unsigned integers, is at or above 0x7f000000 after this shift.
  if (v128.any_true(i32x4.ge_u(i32x4.sub(x, i32x4.splat(0x00800000)), i32x4.splat(0x7f000000)))) return logWide4(x);
  return logNormal4(x, f32x4.splat(0));
}

/** log x + n log 2 for positive normal x. */
// @ts-ignore: decorator
@inline
function logNormal4(x: v128, n: v128): v128 {
  // x = 2^e m with m from sqrt(1/2) to sqrt 2
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), f32x4.splat(1));
  n = f32x4.add(n, f32x4.convert_i32x4_s(e));
  const square = f32x4.mul(f, f);
  let p = madd(f32x4.splat(-0.07633829116821289), f, f32x4.splat(0.12761220335960388));
  p = madd(p, f, f32x4.splat(-0.13160263001918793));
  p = madd(p, f, f32x4.splat(0.14201809465885162));
  p = madd(p, f, f32x4.splat(-0.16623353958129883));
  p = madd(p, f, f32x4.splat(0.20001225173473358));
  p = madd(p, f, f32x4.splat(-0.250008225440979));
  p = madd(p, f, f32x4.splat(0.3333333134651184));
  let y = madd(n, f32x4.splat(LN2_LOW), f32x4.mul(f32x4.mul(square, f), p));
  y = madd(square, f32x4.splat(-0.5), y);
  return madd(n, f32x4.splat(LN2_HIGH), f32x4.add(f, y));
}

function logWide4(x: v128): v128 {
  const subnormal = f32x4.lt(x, f32x4.splat(1.1754943508222875e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
  let y = logNormal4(scaled, v128.and(subnormal, f32x4.splat(-23)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  y = v128.bitselect(f32x4.splat(NaN), y, f32x4.lt(x, f32x4.splat(0)));
  // infinity and NaN are their own logarithms
  return v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(Infinity)));
}

/** The natural logarithm of one number. */
// @ts-ignore: decorator
@inline
export function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}

/** `y`, but 1 with the sign of x where |x| >= limit. */
// @ts-ignore: decorator
@inline
function saturate(x: v128, y: v128, limit: f32): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.bitselect(v128.or(sign, f32x4.splat(1)), y, f32x4.ge(f32x4.abs(x), f32x4.splat(limit)));
}

/** tanh: x P(x^2) / Q(x^2) up to where it rounds to 1. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const c = f32x4.pmax(f32x4.pmin(x, f32x4.splat(9.02)), f32x4.splat(-9.02));
  const z = f32x4.mul(c, c);
  let p = madd(f32x4.splat(1.3320927472193489e-8), z, f32x4.splat(2.0584973754012026e-5));
  p = madd(p, z, f32x4.splat(0.0034941318444907665));
  p = madd(p, z, f32x4.splat(0.1337980180978775));
  p = madd(p, z, f32x4.splat(1));
  let q = madd(f32x4.splat(7.76282433889719e-7), z, f32x4.splat(3.2832473516464233e-4));
  q = madd(q, z, f32x4.splat(0.02587145008146763));
  q = madd(q, z, f32x4.splat(0.4671311676502228));
  q = madd(q, z, f32x4.splat(1));
  return saturate(x, f32x4.div(f32x4.mul(c, p), q), 9.011);
}

/** The error function: x P(x^2) / Q(x^2) up to where it rounds to 1. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const c = f32x4.pmax(f32x4.pmin(x, f32x4.splat(3.93)), f32x4.splat(-3.93));
  const z = f32x4.mul(c, c);
  let p = madd(f32x4.splat(2.0421273347892566e-6), z, f32x4.splat(2.8479943284764886e-4));
  p = madd(p, z, f32x4.splat(0.0037790685892105103));
  p = madd(p, z, f32x4.splat(0.05278872698545456));
  p = madd(p, z, f32x4.splat(0.1907709836959839));
  p = madd(p, z, f32x4.splat(1.1283791065216064));
  let q = madd(f32x4.splat(3.8005178794264793e-5), z, f32x4.splat(0.001165085006505251));
  q = madd(q, z, f32x4.splat(0.01499638706445694));
  q = madd(q, z, f32x4.splat(0.11425233632326126));
  q = madd(q, z, f32x4.splat(0.5023990869522095));
  q = madd(q, z, f32x4.splat(1));
  return saturate(x, f32x4.div(f32x4.mul(c, p), q), 3.925);
}

/** sin(x + quarters * pi / 2). Beyond 8192 the three parts of pi / 2 do not suffice. */
// @ts-ignore: decorator
@inline
function sine(x: v128, quarters: i32): v128 {
  const y = sineNear(x, quarters);
  if (v128.any_true(f32x4.gt(f32x4.abs(x), f32x4.splat(8192)))) return sineFar(x, y, quarters);
  return y;
}

// @ts-ignore: decorator
@inline
function sineNear(x: v128, quarters: i32): v128 {
  const rounded = madd(x, f32x4.splat(0.636619772367581343), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  let r = madd(n, f32x4.splat(-HALF_PI_HIGH), x);
  r = madd(n, f32x4.splat(-HALF_PI_MIDDLE), r);
  r = madd(n, f32x4.splat(-HALF_PI_LOW), r);
  const z = f32x4.mul(r, r);
  let s = madd(f32x4.splat(-1.9508761761244386e-4), z, f32x4.splat(0.008332112804055214));
  s = madd(s, z, f32x4.splat(-0.16666653752326965));
  s = madd(f32x4.mul(s, z), r, r);
  let c = madd(f32x4.splat(2.4425658921245486e-5), z, f32x4.splat(-0.0013887251261621714));
  c = madd(c, z, f32x4.splat(0.04166664555668831));
  c = madd(c, f32x4.mul(z, z), madd(z, f32x4.splat(-0.5), f32x4.splat(1)));
  const quadrant = i32x4.add(rounded, i32x4.splat(quarters));
  const odd = i32x4.ne(v128.and(quadrant, i32x4.splat(1)), i32x4.splat(0));
  const sign = i32x4.shl(v128.and(quadrant, i32x4.splat(2)), 30);
  return v128.xor(v128.bitselect(c, s, odd), sign);
}

/** Replaces the lanes of y beyond 8192 by what the scalar library computes. */
function sineFar(x: v128, y: v128, quarters: i32): v128 {
  if (abs(f32x4.extract_lane(x, 0)) > 8192) y = f32x4.replace_lane(y, 0, sineScalar(f32x4.extract_lane(x, 0), quarters));
  if (abs(f32x4.extract_lane(x, 1)) > 8192) y = f32x4.replace_lane(y, 1, sineScalar(f32x4.extract_lane(x, 1), quarters));
  if (abs(f32x4.extract_lane(x, 2)) > 8192) y = f32x4.replace_lane(y, 2, sineScalar(f32x4.extract_lane(x, 2), quarters));
  if (abs(f32x4.extract_lane(x, 3)) > 8192) y = f32x4.replace_lane(y, 3, sineScalar(f32x4.extract_lane(x, 3), quarters));
  return y;
}

function sineScalar(x: f32, quarters: i32): f32 {
  return quarters ? <f32>NativeMath.cos(x) : <f32>NativeMath.sin(x);
}

// @ts-ignore: decorator
@inline
export function sin4(x: v128): v128 {
  return sine(x, 0);
}

// @ts-ignore: decorator
@inline
export function cos4(x: v128): v128 {
  return sine(x, 1);
}
