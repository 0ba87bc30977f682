import type { Backend } from "../backend.ts";
import { referenceBackend } from "../default-backend.ts";
import type { PrimitiveName } from "../primitives/index.ts";
import { checkForward, checkGradient, checkRepeat, type Finding, toOffsetTensor } from "./check.ts";
import { drawRows } from "./draw-rows.ts";
import { elementwiseRows } from "./elementwise-rows.ts";
import { fusedRows } from "./fused-rows.ts";
import { reductionRows } from "./reduction-rows.ts";
import { count, type Sample } from "./sample.ts";
import { shapeRows } from "./shape-rows.ts";

/** What one case found, for the ledger. */
export interface ConformanceResult {
  readonly op: string;
  readonly pass: "forward" | "gradient";
  /** largest error, relative to max(1, |expected|) */
  readonly worstError: number;
  /** checksum of every byte that came out: equal for equal results */
  readonly bits: number;
  /** kernels that ran, as the backend reports them: `add:wasm` */
  readonly kernels: readonly string[];
}

/** One check. `run` rejects, saying what differs, if the backend does not pass. */
export interface ConformanceCase {
  readonly name: string;
  readonly op: string;
  readonly pass: "forward" | "gradient";
  run(): Promise<ConformanceResult>;
}

/** What a backend declares about itself, where it cannot do all that int32 can. */
export interface ConformanceTraits {
  /** Whole numbers up to this size are exact; a larger one must be refused with a RangeError, never be wrong. Default: all of int32. */
  readonly largestWholeNumber?: number;
}

/** A row for each primitive: one without a row does not compile. */
const primitiveRows = (): Readonly<Record<PrimitiveName, readonly Sample[]>> => ({
  ...elementwiseRows(),
  ...reductionRows(),
  ...shapeRows(),
  ...drawRows(),
});

/** True if whole numbers beyond the limit go in or must come out. */
function goesBeyond({ inputs, expected }: Sample, limit: number): boolean {
  const isBeyond = (value: number): boolean => Math.abs(value) > limit;
  return (
    inputs.some(({ dtype, values }) => dtype === "int32" && values.some(isBeyond)) ||
    expected(inputs.map(({ values }) => values)).some((values) => values.some(isBeyond))
  );
}

const sizeOfInputs = ({ inputs }: Sample): number => inputs.reduce((total, { shape }) => total + count(shape), 0);

/**
 * Everything that a backend must do, as a list of checks that need no test framework.
 *
 * Each operation, primitive or fused: against a formula or plain loop in float64, with broadcasting, sizes 0 and 1, sizes that are
 * no multiple of any block, large values, NaN and infinity; on inputs that begin in the middle of their buffers; twice, for
 * the same bits; gradients against finite differences where the backend has float64, else against the reference backend's.
 *
 * @example
 * for (const c of conformanceCases(createReferenceBackend())) test(c.name, c.run);
 */
export function conformanceCases(backend: Backend, traits: ConformanceTraits = {}): ConformanceCase[] {
  const rows: readonly (readonly [string, readonly Sample[]])[] = [
    ...Object.entries(primitiveRows()),
    ...Object.entries(fusedRows()),
  ];
  return rows.flatMap(([op, samples]) => {
    const largest = samples.reduce((best, sample) => (sizeOfInputs(sample) > sizeOfInputs(best) ? sample : best));
    const smooth = samples.filter(({ gradient }) => gradient);
    return [
      ...samples.map((sample) =>
        makeCase(backend, op, "forward", sample.name, () => refusable(sample, traits, checkForward(sample, backend))),
      ),
      ...samples
        .filter((sample) => sizeOfInputs(sample) > 0)
        .map((sample) =>
          makeCase(backend, op, "forward", `${sample.name}, from the middle of buffers`, () =>
            refusable(sample, traits, checkForward(sample, backend, toOffsetTensor)),
          ),
        ),
      makeCase(backend, op, "forward", `${largest.name}, twice`, () => checkRepeat(largest, backend)),
      ...smooth.map((sample) =>
        makeCase(backend, op, "gradient", `${sample.name}, gradient`, () =>
          checkGradient(sample, backend, referenceBackend()),
        ),
      ),
    ];
  });
}

/** Lets a backend refuse whole numbers that it declares too large. Wrong values are no RangeError and still fail. */
async function refusable(
  sample: Sample,
  { largestWholeNumber = Infinity }: ConformanceTraits,
  check: Promise<Finding>,
): Promise<Finding> {
  try {
    return await check;
  } catch (error) {
    if (error instanceof RangeError && goesBeyond(sample, largestWholeNumber)) return { worstError: 0, bits: 0 };
    throw error;
  }
}

function makeCase(
  backend: Backend,
  op: string,
  pass: "forward" | "gradient",
  name: string,
  check: () => Promise<Finding>,
): ConformanceCase {
  return {
    name,
    op,
    pass,
    async run() {
      backend.resetReport();
      const { worstError, bits } = await check();
      return { op, pass, worstError, bits, kernels: backend.report().map((entry) => `${entry.op}:${entry.kernel}`) };
    },
  };
}
