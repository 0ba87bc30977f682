import { valueAndGradients } from "../autodiff.ts";
import type { Backend } from "../backend.ts";
import { add } from "../primitives/add.ts";
import { multiply } from "../primitives/multiply.ts";
import { reshape } from "../primitives/reshape.ts";
import { slice } from "../primitives/slice.ts";
import { sum } from "../primitives/sum.ts";
import { scope } from "../scope.ts";
import { data, fromArray, full, item, type Tensor } from "../tensor.ts";
import { type DType, isFloat, type TypedArray } from "../types.ts";
import { draws, dtypeOf, type Plain, type Sample, toTensor } from "./sample.ts";

/** What counts as equal, stated once. Errors are |got - expected| / max(1, |expected|). */
export const tolerances = {
  /** float32 against a formula in float64 */
  closedForm: 1e-5,
  /** gradients in float32 against those of the reference backend in float64; products of matrices: times sqrt(inner size) */
  acrossBackends: 1e-4,
  /** gradients in float64 against finite differences */
  finiteDifference: 1e-6,
  /** step of the finite differences */
  step: 1e-5,
} as const;

/** The largest error; infinite where one side is NaN or infinite and the other is not the same. */
export function worstError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [got[i]!, expected[i]!];
    if (a === b || (a !== a && b !== b)) continue;
    const error = Math.abs(a - b) / Math.max(1, Math.abs(b));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

function expectClose(what: string, got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): number {
  const worst = worstError(got, expected);
  if (!(worst <= tolerance)) {
    const at = Array.from(expected).findIndex((value, i) => !(worstError([got[i]!], [value]) <= tolerance));
    throw new Error(
      `${what}: error ${worst.toExponential(2)} of ${expected.length} elements, expected at most ${tolerance.toExponential(2)}; first at ${at}: got ${got[at]}, expected ${expected[at]}`,
    );
  }
  return worst;
}

/** What a check found: the largest error, and a checksum of every byte that came out. */
export interface Finding {
  readonly worstError: number;
  readonly bits: number;
}

/** FNV-1a, going on from `bits`. */
function checksum(values: TypedArray, bits = 0x811c9dc5): number {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (let i = 0; i < bytes.length; i++) bits = Math.imul(bits ^ bytes[i]!, 0x01000193);
  return bits;
}

const listOf = (outputs: Tensor | readonly Tensor[]): readonly Tensor[] =>
  Array.isArray(outputs) ? outputs : [outputs as Tensor];

/** A tensor that begins three elements into its buffer, where the backend has such. */
export function toOffsetTensor(plain: Plain, backend: Backend, floatType: DType): Tensor {
  const shape = [plain.values.length + 3];
  const whole = fromArray([7, 7, 7, ...plain.values], shape, { dtype: dtypeOf(plain, floatType), backend });
  return reshape(slice(whole, [3], [plain.values.length]), plain.shape);
}

type Maker = typeof toTensor;

/** Values against the sample's formula. */
export async function checkForward(sample: Sample, backend: Backend, make: Maker = toTensor): Promise<Finding> {
  const outputs = scope(() =>
    listOf(
      sample.run(
        sample.inputs.map((input) => make(input, backend, "float32")),
        backend,
      ),
    ),
  );
  const expected = sample.expected(sample.inputs.map((input) => input.values));
  let [worstError, bits]: [number, number | undefined] = [0, undefined];
  for (const [i, output] of outputs.entries()) {
    const got = await data(output);
    bits = checksum(got, bits);
    const wanted = output.dtype === "float32" ? expected[i]!.map(Math.fround) : expected[i]!;
    const tolerance = isFloat(output.dtype) ? tolerances.closedForm * (sample.scale ?? 1) : 0;
    worstError = Math.max(
      worstError,
      expectClose(`${sample.name}, output ${i} ${output.dtype} [${output.shape.join(", ")}]`, got, wanted, tolerance),
    );
    output.dispose();
  }
  return { worstError, bits: bits ?? 0 };
}

/** The sum of the float outputs, each element with a weight of its own so that no error can cancel. */
function weighted(sample: Sample, inputs: readonly Tensor[], backend: Backend): Tensor {
  const outputs = listOf(sample.run(inputs, backend)).filter((output) => isFloat(output.dtype));
  return outputs
    .map((output, i) => {
      const weights = fromArray(draws(`weights ${i}`, output.size, 0.5, 1.5), output.shape, {
        dtype: output.dtype,
        backend: output.backend,
      });
      return sum(multiply(output, weights));
    })
    .reduce((total, part) => add(total, part));
}

/** Gradients of the float inputs. */
async function gradientsOn(sample: Sample, backend: Backend, floatType: DType): Promise<TypedArray[]> {
  const inputs = sample.inputs.map((input) => toTensor(input, backend, floatType));
  const wanted = inputs.filter((_, i) => sample.inputs[i]!.dtype === "float");
  const { value, gradients } = valueAndGradients(() => weighted(sample, inputs, backend), wanted);
  const found: TypedArray[] = [];
  for (const gradient of gradients) found.push(await data(gradient));
  for (const x of [value, ...gradients, ...inputs]) x.dispose();
  return found;
}

/** The change of the weighted sum along a direction of all float inputs, by central differences in float64. */
function slope(sample: Sample, backend: Backend, directions: readonly (readonly number[])[]): number {
  const at = (step: number): number =>
    scope(() => {
      let next = 0;
      const moved = sample.inputs.map((input) => {
        if (input.dtype !== "float") return toTensor(input, backend, "float64");
        const direction = directions[next++]!;
        return toTensor(
          { ...input, values: input.values.map((value, i) => value + step * direction[i]!) },
          backend,
          "float64",
        );
      });
      return item(weighted(sample, moved, backend));
    });
  return (at(tolerances.step) - at(-tolerances.step)) / (2 * tolerances.step);
}

/** Gradients in float64 against finite differences: of each element where they are few, else along one direction. */
function checkFiniteDifferences(sample: Sample, backend: Backend, gradients: readonly TypedArray[]): number {
  const tolerance = tolerances.finiteDifference * (sample.scale ?? 1);
  const size = gradients.reduce((total, gradient) => total + gradient.length, 0);
  if (size > 100) {
    const directions = gradients.map((gradient, i) => draws(`direction ${i}`, gradient.length, -1, 1));
    let along = 0;
    gradients.forEach((gradient, i) => gradient.forEach((g, j) => (along += g * directions[i]![j]!)));
    const what = `${sample.name}, gradient along a direction`;
    return expectClose(what, [along], [slope(sample, backend, directions)], tolerance);
  }
  /** 1 at one element of one input. */
  const unit = (i: number, j: number): number[][] =>
    gradients.map((gradient, k) => Array.from(gradient, (_, l) => Number(k === i && l === j)));
  const errors = gradients.map((gradient, i) => {
    const differences = Array.from(gradient, (_, j) => slope(sample, backend, unit(i, j)));
    return expectClose(`${sample.name}, gradient of input ${i}`, gradient, differences, tolerance);
  });
  return Math.max(0, ...errors);
}

/** Gradients against finite differences where the backend has float64, else against those of `reference`. */
export async function checkGradient(sample: Sample, backend: Backend, reference: Backend): Promise<Finding> {
  const exact = backend.supports("float64");
  const got = await gradientsOn(sample, backend, exact ? "float64" : "float32");
  const bits = got.reduce((sum, gradient) => checksum(gradient, sum), 0);
  if (exact) return { worstError: checkFiniteDifferences(sample, backend, got), bits };
  const expected = await gradientsOn(sample, reference, "float64");
  const tolerance = tolerances.acrossBackends * (sample.scale ?? 1);
  const errors = got.map((gradient, i) =>
    expectClose(`${sample.name}, gradient of input ${i}`, gradient, expected[i]!, tolerance),
  );
  return { worstError: Math.max(0, ...errors), bits };
}

/** The same bits when run again, in other memory. */
export async function checkRepeat(sample: Sample, backend: Backend): Promise<Finding> {
  const first = await checkForward(sample, backend);
  const other = full([1031], 3, { backend });
  const second = await checkForward(sample, backend);
  other.dispose();
  if (first.bits !== second.bits) throw new Error(`${sample.name}: bits differ between two runs`);
  return first;
}
