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

/**
 * The number at a place of a table, in all lanes. Tables are in memory because engines build a vector constant from
 * immediate values, with several instructions at every use, but load and repeat a number with one.
 */
@inline
export function constant(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}

const EXP: usize = memory.data<f32>([
  89, LOG2_E, ROUNDER, -LN2_HIGH, -LN2_LOW, 0.0013814250705763698, 0.008368921466171741, 0.04166840761899948,
  0.1666651964187622, 0.4999999403953552, 1, -87.33, 87,
]);

/** e^r on |r| <= 0.348. */
@inline
function expPolynomial(r: v128): v128 {
  let p = madd(constant(EXP, 5), r, constant(EXP, 6));
  p = madd(p, r, constant(EXP, 7));
  p = madd(p, r, constant(EXP, 8));
  p = madd(p, r, constant(EXP, 9));
  return f32x4.add(madd(p, f32x4.mul(r, r), r), constant(EXP, 10));
}

/** x - n ln 2. */
@inline
function expRemainder(x: v128, n: v128): v128 {
  return madd(n, constant(EXP, 4), madd(n, constant(EXP, 3), x));
}

/** e^x for sums and quotients: 0 instead of a subnormal result (x < -87.33), infinity from 88.38 on. The fast one. */
@inline
export function expFlush4(x: v128): v128 {
  x = f32x4.pmin(x, constant(EXP, 0));
  const rounded = madd(x, constant(EXP, 1), constant(EXP, 2));
  const p = expPolynomial(expRemainder(x, f32x4.sub(rounded, constant(EXP, 2))));
  // 2^n; n = 128 gives infinity.
  const scale = i32x4.add(i32x4.shl(rounded, 23), constant(EXP, 10));
  return v128.andnot(f32x4.mul(p, scale), f32x4.lt(x, constant(EXP, 11)));
}

/** e^x over the whole range, subnormal results included. */
@inline
export function exp4(x: v128): v128 {
  if (v128.any_true(f32x4.gt(f32x4.abs(x), constant(EXP, 12)))) return expWide4(x);
  return expFlush4(x);
}

const EXP_WIDE: usize = memory.data<f32>([
  89, -104.5, LOG2_E, ROUNDER,
]);

/** As `expFlush4`, but scales in two steps, neither of which leaves the range of normal numbers. */
function expWide4(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(EXP_WIDE, 0)), constant(EXP_WIDE, 1));
  const rounded = madd(x, constant(EXP_WIDE, 2), constant(EXP_WIDE, 3));
  const p = expPolynomial(expRemainder(x, f32x4.sub(rounded, constant(EXP_WIDE, 3))));
  const n = i32x4.sub(rounded, constant(EXP_WIDE, 3));
  const half = i32x4.shr_s(n, 1);
  const one = i32x4.splat(0x3f800000);
  const first = i32x4.add(i32x4.shl(half, 23), one);
  const second = i32x4.add(i32x4.shl(i32x4.sub(n, half), 23), one);
  return f32x4.mul(f32x4.mul(p, first), second);
}

/** The natural logarithm: -infinity at 0, NaN below. */
@inline
export function log4(x: v128): v128 {
  // Everything but positive normal numbers, as unsigned integers, is at or above 0x7f000000 after this shift.
  if (v128.any_true(i32x4.ge_u(i32x4.sub(x, i32x4.splat(0x00800000)), i32x4.splat(0x7f000000)))) return logWide4(x);
  return logNormal4(x, f32x4.splat(0));
}

const LOG: usize = memory.data<f32>([
  1, -0.07633829116821289, 0.12761220335960388, -0.13160263001918793, 0.14201809465885162, -0.16623353958129883,
  0.20001225173473358, -0.250008225440979, 0.3333333134651184, LN2_LOW, -0.5, LN2_HIGH, 0.70710678118654752,
]);

/** log x + n log 2 for positive normal x. */
@inline
function logNormal4(x: v128, n: v128): v128 {
  // x = 2^e m with m from sqrt(1/2) to sqrt 2
  const e = i32x4.shr_s(i32x4.sub(x, constant(LOG, 12)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), constant(LOG, 0));
  n = f32x4.add(n, f32x4.convert_i32x4_s(e));
  const square = f32x4.mul(f, f);
  let p = madd(constant(LOG, 1), f, constant(LOG, 2));
  p = madd(p, f, constant(LOG, 3));
  p = madd(p, f, constant(LOG, 4));
  p = madd(p, f, constant(LOG, 5));
  p = madd(p, f, constant(LOG, 6));
  p = madd(p, f, constant(LOG, 7));
  p = madd(p, f, constant(LOG, 8));
  let y = madd(n, constant(LOG, 9), f32x4.mul(f32x4.mul(square, f), p));
  y = madd(square, constant(LOG, 10), y);
  return madd(n, constant(LOG, 11), f32x4.add(f, y));
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
@inline
export function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}

/** `y`, but 1 with the sign of x where |x| >= limit. */
@inline
function saturate(x: v128, y: v128, limit: v128, one: v128): v128 {
  const size = f32x4.abs(x);
  return v128.bitselect(v128.or(v128.xor(x, size), one), y, f32x4.ge(size, limit));
}

const TANH: usize = memory.data<f32>([
  9.02, -9.02, 1.3320927472193489e-8, 2.0584973754012026e-5, 0.0034941318444907665, 0.1337980180978775, 1,
  7.76282433889719e-7, 3.2832473516464233e-4, 0.02587145008146763, 0.4671311676502228, 9.011,
]);

/** tanh: x P(x^2) / Q(x^2) up to where it rounds to 1. */
@inline
export function tanh4(x: v128): v128 {
  const c = f32x4.pmax(f32x4.pmin(x, constant(TANH, 0)), constant(TANH, 1));
  const z = f32x4.mul(c, c);
  let p = madd(constant(TANH, 2), z, constant(TANH, 3));
  p = madd(p, z, constant(TANH, 4));
  p = madd(p, z, constant(TANH, 5));
  p = madd(p, z, constant(TANH, 6));
  let q = madd(constant(TANH, 7), z, constant(TANH, 8));
  q = madd(q, z, constant(TANH, 9));
  q = madd(q, z, constant(TANH, 10));
  q = madd(q, z, constant(TANH, 6));
  return saturate(x, f32x4.div(f32x4.mul(c, p), q), constant(TANH, 11), constant(TANH, 6));
}

const ERF: usize = memory.data<f32>([
  3.93, -3.93, 2.0421273347892566e-6, 2.8479943284764886e-4, 0.0037790685892105103, 0.05278872698545456,
  0.1907709836959839, 1.1283791065216064, 3.8005178794264793e-5, 0.001165085006505251, 0.01499638706445694,
  0.11425233632326126, 0.5023990869522095, 1, 3.925,
]);

/** The error function: x P(x^2) / Q(x^2) up to where it rounds to 1. */
@inline
export function erf4(x: v128): v128 {
  const c = f32x4.pmax(f32x4.pmin(x, constant(ERF, 0)), constant(ERF, 1));
  const z = f32x4.mul(c, c);
  let p = madd(constant(ERF, 2), z, constant(ERF, 3));
  p = madd(p, z, constant(ERF, 4));
  p = madd(p, z, constant(ERF, 5));
  p = madd(p, z, constant(ERF, 6));
  p = madd(p, z, constant(ERF, 7));
  let q = madd(constant(ERF, 8), z, constant(ERF, 9));
  q = madd(q, z, constant(ERF, 10));
  q = madd(q, z, constant(ERF, 11));
  q = madd(q, z, constant(ERF, 12));
  q = madd(q, z, constant(ERF, 13));
  return saturate(x, f32x4.div(f32x4.mul(c, p), q), constant(ERF, 14), constant(ERF, 13));
}

const SINE: usize = memory.data<f32>([
  8192, 0.636619772367581343, ROUNDER, -HALF_PI_HIGH, -HALF_PI_MIDDLE, -HALF_PI_LOW, -1.9508761761244386e-4,
  0.008332112804055214, -0.16666653752326965, 2.4425658921245486e-5, -0.0013887251261621714, 0.04166664555668831,
  -0.5, 1,
]);

/** sin(x + quarters * pi / 2). Beyond 8192 the three parts of pi / 2 do not suffice. */
@inline
function sine(x: v128, quarters: i32): v128 {
  const y = sineNear(x, quarters);
  if (v128.any_true(f32x4.gt(f32x4.abs(x), constant(SINE, 0)))) return sineFar(x, y, quarters);
  return y;
}

@inline
function sineNear(x: v128, quarters: i32): v128 {
  const rounded = madd(x, constant(SINE, 1), constant(SINE, 2));
  const n = f32x4.sub(rounded, constant(SINE, 2));
  let r = madd(n, constant(SINE, 3), x);
  r = madd(n, constant(SINE, 4), r);
  r = madd(n, constant(SINE, 5), r);
  const z = f32x4.mul(r, r);
  let s = madd(constant(SINE, 6), z, constant(SINE, 7));
  s = madd(s, z, constant(SINE, 8));
  s = madd(f32x4.mul(s, z), r, r);
  let c = madd(constant(SINE, 9), z, constant(SINE, 10));
  c = madd(c, z, constant(SINE, 11));
  c = madd(c, f32x4.mul(z, z), madd(z, constant(SINE, 12), constant(SINE, 13)));
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

@inline
export function sin4(x: v128): v128 {
  return sine(x, 0);
}

@inline
export function cos4(x: v128): v128 {
  return sine(x, 1);
}
