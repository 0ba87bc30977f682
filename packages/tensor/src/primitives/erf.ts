import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { exp } from "./exp.ts";
import { multiply } from "./multiply.ts";
import { negate } from "./negate.ts";

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** erf(x) = 2/sqrt(pi) e^(-x^2) sum over n of 2^n x^(2n+1) / (2n+1)!!: all terms positive, so nothing cancels. */
function erfSeries(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return twoOverRootPi * Math.exp(-x * x) * total;
}

/** erfc(x), x >= 2, as a continued fraction: e^(-x^2)/sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))). */
function erfcFraction(x: number): number {
  let tail = x;
  for (let k = 60; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/**
 * The error function of one number, to about 1e-15.
 *
 * @see Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 7.1.6 and 7.1.14.
 */
export function erfOf(x: number): number {
  const size = Math.abs(x);
  if (!(size > 0)) return x;
  if (size < 2) return erfSeries(x);
  return Math.sign(x) * (size > 6 ? 1 : 1 - erfcFraction(size));
}

export const erfPrimitive = unary("erf", erfOf, (x, g) =>
  multiply(g, multiply(exp(negate(multiply(x, x))), twoOverRootPi)),
);

/** The error function 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x, elementwise. */
export function erf(x: Tensor): Tensor {
  return applyOne(erfPrimitive, [x], {});
}
