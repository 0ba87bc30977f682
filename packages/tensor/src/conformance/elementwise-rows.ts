import { greater, greaterEqual, notEqual } from "../functions/comparisons.ts";
import { logicalAnd, logicalNot, logicalOr } from "../functions/logical.ts";
import { abs } from "../primitives/abs.ts";
import { add } from "../primitives/add.ts";
import { cast } from "../primitives/cast.ts";
import { cos } from "../primitives/cos.ts";
import { divide } from "../primitives/divide.ts";
import { equal } from "../primitives/equal.ts";
import { erf } from "../primitives/erf.ts";
import { exp } from "../primitives/exp.ts";
import { floor } from "../primitives/floor.ts";
import { less } from "../primitives/less.ts";
import { lessEqual } from "../primitives/less-equal.ts";
import { log } from "../primitives/log.ts";
import { maximum } from "../primitives/maximum.ts";
import { minimum } from "../primitives/minimum.ts";
import { multiply } from "../primitives/multiply.ts";
import { negate } from "../primitives/negate.ts";
import { power } from "../primitives/power.ts";
import { reciprocal } from "../primitives/reciprocal.ts";
import { rsqrt } from "../primitives/rsqrt.ts";
import { select } from "../primitives/select.ts";
import { sign } from "../primitives/sign.ts";
import { sin } from "../primitives/sin.ts";
import { sqrt } from "../primitives/sqrt.ts";
import { subtract } from "../primitives/subtract.ts";
import { tanh } from "../primitives/tanh.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { binarySamples, erfByIntegration, shapeOf, unarySamples } from "./elementwise-samples.ts";
import { bools, everyIndex, float, given, type Plain, position, type Sample, specials } from "./sample.ts";

const wholeThenSmall: Plain = { shape: [4, 3], dtype: "float", values: [-2, -1, 3, 2, 0, 1, -3, -0.5, 2, 4, 5, 0.25] };

function powerSamples(): Sample[] {
  const bases = binarySamples("power", power, Math.pow, { low: 0.25, high: 2 });
  const whole: Sample = {
    name: "power with whole exponents",
    inputs: [wholeThenSmall, given([0, 2, -3])],
    run: ([a, b]) => power(a!, b!),
    expected: ([a, b]) => [a!.map((base, i) => base ** b![i % 3]!)],
    gradient: false,
  };
  return [...bases, whole];
}

const comparison = { smooth: false } as const;

/** The rows of elementwise primitives. */
export const elementwiseRows = () =>
  ({
    negate: unarySamples("negate", negate, (x) => -x, { int32: true }),
    exp: unarySamples("exp", exp, Math.exp, { large: true }),
    log: unarySamples("log", log, Math.log, { low: 0.1, high: 5 }),
    sqrt: unarySamples("sqrt", sqrt, Math.sqrt, { low: 0.1, high: 5 }),
    abs: unarySamples("abs", abs, Math.abs, { int32: true }),
    sign: unarySamples("sign", sign, Math.sign, { smooth: false, int32: true }),
    sin: unarySamples("sin", sin, Math.sin, { low: -10, high: 10, far: true }),
    cos: unarySamples("cos", cos, Math.cos, { low: -10, high: 10, far: true }),
    tanh: unarySamples("tanh", tanh, Math.tanh, { far: true }),
    erf: unarySamples("erf", erf, erfByIntegration, { far: true }),
    floor: unarySamples("floor", floor, Math.floor, { low: -9, high: 9, smooth: false }),
    reciprocal: unarySamples("reciprocal", reciprocal, (x) => 1 / x, { low: 0.5, high: 3 }),
    rsqrt: unarySamples("rsqrt", rsqrt, (x) => 1 / Math.sqrt(x), { low: 0.5, high: 3 }),
    add: binarySamples("add", add, (a, b) => a + b, { onInt32: (a, b) => (a + b) | 0 }),
    subtract: binarySamples("subtract", subtract, (a, b) => a - b, { onInt32: (a, b) => (a - b) | 0 }),
    multiply: binarySamples("multiply", multiply, (a, b) => a * b, {
      large: true,
      onInt32: (a, b) => Number(BigInt.asIntN(32, BigInt(a) * BigInt(b))),
    }),
    divide: binarySamples("divide", divide, (a, b) => a / b, { low: 0.5, high: 3 }),
    power: powerSamples(),
    maximum: binarySamples("maximum", maximum, Math.max, { onInt32: Math.max }),
    minimum: binarySamples("minimum", minimum, Math.min, { onInt32: Math.min }),
    equal: [
      ...binarySamples("equal", equal, (a, b) => Number(a === b), {
        ...comparison,
        bool: true,
        onInt32: (a, b) => Number(a === b),
      }),
      ...binarySamples("notEqual", notEqual, (a, b) => Number(a !== b), { ...comparison, bool: true }),
      boolSample(
        "logicalNot",
        ([a]) => logicalNot(a!),
        (a) => Number(!a),
      ),
    ],
    less: [
      ...binarySamples("less", less, (a, b) => Number(a < b), { ...comparison, onInt32: (a, b) => Number(a < b) }),
      ...binarySamples("greater", greater, (a, b) => Number(a > b), comparison),
    ],
    lessEqual: [
      ...binarySamples("lessEqual", lessEqual, (a, b) => Number(a <= b), {
        ...comparison,
        onInt32: (a, b) => Number(a <= b),
      }),
      ...binarySamples("greaterEqual", greaterEqual, (a, b) => Number(a >= b), comparison),
    ],
    select: [
      selectSample([], [], []),
      selectSample([129], [129], [129]),
      selectSample([67], [3, 1], [1]),
      selectSample([2, 1, 5], [3, 5], [2, 3, 1]),
      selectSample([3, 5, 17], [], [17]),
      selectSample([5, 1, 7], [5, 3, 7], []),
      selectSample([0, 3], [1, 3], [0, 1]),
      {
        ...selectSample([4], [4], [4]),
        name: "select drops NaN",
        inputs: [given([1, 1, 0, 0], [4], "bool"), given([1, 2, NaN, Infinity]), given([NaN, -Infinity, 3, 4])],
        gradient: false,
      },
      {
        ...selectSample([7], [7], [7]),
        name: "select int32",
        inputs: [bools("c", [7]), given([1, 2, 3, 4, 5, 6, 7], [7], "int32"), given([-1], [1], "int32")],
        expected: ([c, a, b]) => [a!.map((x, i) => (c![i] ? x : b![0]!))],
        gradient: false,
      },
      boolSample(
        "logicalAnd",
        ([a, b]) => logicalAnd(a!, b!),
        (a, b) => a & b,
      ),
      boolSample(
        "logicalOr",
        ([a, b]) => logicalOr(a!, b!),
        (a, b) => a | b,
      ),
    ],
    cast: [
      castSample(
        "float32 to int32",
        given([
          ...specials.slice(0, 8),
          2.9,
          -2.9,
          2147483000,
          2147483520,
          -2147483648,
          NaN,
          3e9,
          -3e9,
          Infinity,
          -Infinity,
        ]),
        "int32",
      ),
      castSample("float32 to small int32", given([0, -0, 2.9, -2.9, 0.5, -0.5, 16777216, -16777216, NaN]), "int32"),
      castSample("small int32 to float32", given([0, 1, -5, 16777216], [4], "int32"), "float32"),
      castSample("float32 to bool", given(specials), "bool"),
      castSample("int32 to float32", given([0, 1, -5, 16777217, 2147483647], [5], "int32"), "float32"),
      castSample("int32 to bool", given([0, 1, -5, 256], [4], "int32"), "bool"),
      castSample("bool to float32", bools("cast", [67]), "float32"),
      castSample("bool to int32", bools("cast", [129]), "int32"),
      castSample("to its own type", float("cast", [7, 13]), undefined),
      castSample("nothing", float("cast", [3, 0]), "int32"),
    ],
  }) satisfies Record<string, Sample[]>;

function boolSample(
  name: string,
  run: (inputs: readonly Tensor[]) => Tensor,
  oracle: (a: number, b: number) => number,
): Sample {
  return {
    name,
    inputs: [bools("first", [67]), bools("second", [67])],
    run,
    expected: ([a, b]) => [a!.map((x, i) => oracle(x, b![i]!))],
    gradient: false,
  };
}

function selectSample(condition: Shape, a: Shape, b: Shape): Sample {
  const shape = shapeOf(condition, shapeOf(a, b));
  return {
    name: `select [${condition.join(", ")}] from [${a.join(", ")}] and [${b.join(", ")}]`,
    inputs: [bools("condition", condition), float("select a", a), float("select b", b)],
    run: ([c, x, y]) => select(c!, x!, y!),
    expected: ([c, x, y]) => [
      everyIndex(shape).map((index) =>
        c![position(index, condition)] ? x![position(index, a)]! : y![position(index, b)]!,
      ),
    ],
    gradient: true,
  };
}

function castSample(title: string, input: Plain, dtype: "int32" | "bool" | "float32" | undefined): Sample {
  const clamp = (x: number): number => (x !== x ? 0 : Math.trunc(Math.max(-2147483648, Math.min(2147483647, x))));
  const convert = (x: number): number => (dtype === "bool" ? Number(x !== 0) : dtype === "int32" ? clamp(x) : x);
  return {
    name: `cast ${title}`,
    inputs: [input],
    run: ([x]) => cast(x!, dtype ?? x!.dtype),
    expected: ([x]) => [x!.map(convert)],
    gradient: dtype === undefined,
  };
}
