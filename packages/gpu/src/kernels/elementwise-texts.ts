/**
 * Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 7.1.26: error at most 1.5e-7. Near 0 the first two
 * terms of the series, which keep the sign of zero.
 */
const erfText = `const size = Math.min(Math.abs(va), 6);
const t = 1 / (1 + 0.3275911 * size);
const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
let far = 1 - tail * Math.exp(-size * size);
if (va < 0) { far = -far; }
if (size < 0.01) { far = va * (1.1283791670955126 - 0.3761263890318375 * va * va); }
if (va >= 0 || va < 0) { return far; }
return va;`;

/** Beyond 10 the result is 1 in float32, and some devices overflow. */
const tanhText = `const clamped = Math.max(Math.min(va, 10), -10);
let bent = Math.tanh(clamped);
if (Math.abs(va) < 0.001) { bent = va; }
if (va >= 0 || va < 0) { return bent; }
return va;`;

/** Texts of functions of one element, `va`. */
export const unaryTexts: Readonly<Record<string, string>> = {
  negate: "return -va;",
  exp: "return Math.exp(va);",
  log: "return Math.log(va);",
  sqrt: "return Math.sqrt(va);",
  abs: "return Math.abs(va);",
  sign: "if (va > 0) { return 1; }\nif (va < 0) { return -1; }\nreturn va;",
  sin: "return Math.sin(va);",
  cos: "return Math.cos(va);",
  tanh: tanhText,
  erf: erfText,
  floor: "return Math.floor(va);",
  reciprocal: "return 1 / va;",
  rsqrt: "return 1 / Math.sqrt(va);",
};

const truth = (condition: string): string => `if (${condition}) { return 1; }\nreturn 0;`;

/** `pow` of a negative base has no value on GPUs: the sign is worked out here. */
const powerText = `if (vb === 0) { return 1; }
const size = Math.pow(Math.abs(va), vb);
if (va < 0 || 1 / va < 0) {
  const whole = Math.floor(vb);
  if (va < 0 && whole < vb && Math.abs(va) < 1e38) { return nan; }
  const half = Math.floor(vb / 2);
  if (whole === vb && vb - 2 * half === 1) { return -size; }
}
return size;`;

/** Texts of functions of two elements, `va` and `vb`. The last return of maximum and minimum is for NaN. */
export const binaryTexts: Readonly<Record<string, string>> & { readonly power: string } = {
  add: "return va + vb;",
  subtract: "return va - vb;",
  multiply: "return va * vb;",
  divide: "return va / vb;",
  power: powerText,
  maximum: "if (va > vb) { return va; }\nif (va <= vb) { return vb; }\nreturn va + vb;",
  minimum: "if (va < vb) { return va; }\nif (va >= vb) { return vb; }\nreturn va + vb;",
  equal: truth("va === vb"),
  less: truth("va < vb"),
  lessEqual: truth("va <= vb"),
};

export const castTexts = {
  /** NaN is not 0, so it is true */
  toBool: "if (va === 0) { return 0; }\nreturn 1;",
  toInt32: `if (va >= 0) { return Math.floor(Math.min(va, 2147483647)); }
if (va < 0) { return -Math.floor(-Math.max(va, -2147483648)); }
return 0;`,
} as const;
