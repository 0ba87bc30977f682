/**
 * Statements that define `into`, the error function of an expression. Abramowitz and Stegun 1964, Handbook of Mathematical
 * Functions, 7.1.26: error at most 1.5e-7. Near 0 the first two terms of the series, which keep the sign of zero.
 */
export const erfOf = (value: string, into: string): string => `const inside = ${value};
const size = Math.min(Math.abs(inside), 6);
const t = 1 / (1 + 0.3275911 * size);
const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
let ${into} = 1 - tail * Math.exp(-size * size);
if (inside < 0) { ${into} = -${into}; }
if (size < 0.01) { ${into} = inside * (1.1283791670955126 - 0.3761263890318375 * inside * inside); }
if (inside >= 0 || inside < 0) { ${into} = ${into}; } else { ${into} = inside; }`;

/** Statements that define `into`, tanh of an expression. Beyond 9.5 it is 1 in float32, and some devices overflow. */
export const tanhOf = (value: string, into: string): string => `const inside = ${value};
let ${into} = Math.tanh(Math.max(Math.min(inside, 10), -10));
if (Math.abs(inside) < 0.001) { ${into} = inside; }
if (inside > 9.5) { ${into} = 1; }
if (inside < -9.5) { ${into} = -1; }
if (inside >= 0 || inside < 0) { ${into} = ${into}; } else { ${into} = inside; }`;

/** Devices turn NaN and the ends of the range into something else in exp and log, so these are sorted out before. */
const expText = "if (va >= 0 || va < 0) { return Math.exp(va); }\nreturn va;";

const logText = `if (va > 3.4e38) { return va; }
if (va > 0) { return Math.log(va); }
if (va === 0) { return -infinity; }
if (va < 0) { return nan; }
return va;`;

/**
 * sin (quadrant + `shift`) of the angle left over when multiples of pi / 2 are taken off, by the terms of the series that
 * matter in float32: the sine of some devices is good to 4 digits only. The multiples are taken off in three parts, each
 * exact for angles up to 2^16; beyond, the device's own function serves.
 */
const waveText = (shift: 0 | 1, own: string): string => `if (Math.abs(va) > 3.4e38) { return nan; }
if (Math.abs(va) < 65536) {
  const turns = Math.floor(va * 0.6366197723675814 + 0.5);
  const angle = va - turns * 1.5703125 - turns * 0.0004837512969970703 - turns * 0.0000000754978995;
  const square = angle * angle;
  const sine = angle - angle * square * (0.16666666666666666 - square * (0.008333333333333333 - square * (0.0001984126984126984 - square * 0.0000027557319223985893)));
  const cosine = 1 - square * (0.5 - square * (0.041666666666666664 - square * (0.001388888888888889 - square * 0.0000248015873015873)));
  const shifted = turns + ${shift};
  const quadrant = shifted - 4 * Math.floor(shifted / 4);
  if (quadrant < 0.5) { return sine; }
  if (quadrant < 1.5) { return cosine; }
  if (quadrant < 2.5) { return -sine; }
  return -cosine;
}
if (va >= 0 || va < 0) { return ${own}; }
return va;`;

/** Texts of functions of one element, `va`; they may use the numbers `nan` and `infinity`. */
export const unaryTexts: Readonly<Record<string, string>> = {
  negate: "return -va;",
  exp: expText,
  log: logText,
  sqrt: "return Math.sqrt(va);",
  abs: "return Math.abs(va);",
  sign: "if (va > 0) { return 1; }\nif (va < 0) { return -1; }\nreturn va;",
  sin: waveText(0, "Math.sin(va)"),
  cos: waveText(1, "Math.cos(va)"),
  tanh: `${tanhOf("va", "bent")}\nreturn bent;`,
  erf: `${erfOf("va", "bent")}\nreturn bent;`,
  floor: "return Math.floor(va);",
  reciprocal: "return 1 / va;",
  rsqrt: "return 1 / Math.sqrt(va);",
};

const truth = (condition: string): string => `if (${condition}) { return 1; }\nreturn 0;`;

/** `pow` of a GPU has no value for negative bases and wrong ones at the ends of the range: these are worked out here. */
const powerText = `if (vb === 0) { return 1; }
const base = Math.abs(va);
const most = Math.abs(vb);
if (base >= 0) { if (most >= 0) { if (most > 3.4e38 && base === 1) { return nan; } } else { return vb; } } else { return va; }
let size = Math.pow(base, vb);
if (base === 1) { size = 1; }
if (base === 0 || base > 3.4e38 || most > 3.4e38) {
  size = 0;
  if ((base > 1 && vb > 0) || (base < 1 && vb < 0)) { size = infinity; }
}
if (va < 0 || 1 / va < 0) {
  const whole = Math.floor(vb);
  if (va < 0 && whole < vb && base < 3.4e38) { return nan; }
  if (whole === vb && most < 16777216) {
    const half = Math.floor(vb / 2);
    if (vb - 2 * half > 0.5) { return -size; }
  }
}
return size;`;

/** Texts of functions of two elements, `va` and `vb`. The last return of maximum and minimum is for NaN. */
export const binaryTexts: Readonly<Record<string, string>> = {
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
