import type { Kernel, Operand } from "../../../backend.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";

/** Longest stretch of k: a panel of B of 8 columns then fills a quarter of a first-level cache. */
const MOST_DEPTH = 384;
/** Multiply-adds that make a chunk worth claiming, about 40 microseconds. */
const CHUNK_PRODUCTS = 1_000_000;
const MOST_CHUNKS = 32;
/** Packed copies above this many bytes are avoided, at the price of packing twice. */
const MOST_PACKED_BYTES = 64 * 1024 * 1024;

const activations: Readonly<Record<string, number>> = { none: 0, relu: 1, gelu: 2, geluTanh: 3, silu: 4 };

/** One product or a batch of them: C [M, N] = A B + bias, then perhaps an activation into another array. */
interface Products {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** addresses of A and B of each product, alternating */
  readonly operands: readonly number[];
  readonly c: number;
  readonly bias: number;
  readonly activation: number;
  readonly activated: number;
}

interface Blocks {
  readonly depth: number;
  readonly rowGroups: number;
  readonly columnBlocks: number;
  readonly perChunk: number;
}

const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));

/** How the work is cut: a function of sizes alone. */
function planBlocks({ M, N, K, transposeA, operands }: Products, rowsOfTile: number): Blocks {
  const stretches = Math.max(1, Math.ceil(K / MOST_DEPTH));
  const depth = Math.max(1, Math.ceil(K / stretches / 4) * 4);
  const products = operands.length / 2;
  const size = M * N * Math.max(K, 16);
  if (products > 1)
    return { depth, rowGroups: 1, columnBlocks: 1, perChunk: clamp(Math.floor(CHUNK_PRODUCTS / size), 1, products) };
  const chunks = clamp(Math.round(size / CHUNK_PRODUCTS), 1, MOST_CHUNKS);
  const rowPanels = Math.ceil(M / rowsOfTile);
  if (transposeA && M * K * 4 > MOST_PACKED_BYTES)
    return { depth, rowGroups: clamp(chunks, 1, rowPanels), columnBlocks: 1, perChunk: 1 };
  const columnBlocks = clamp(chunks, 1, Math.ceil(N / 32));
  return {
    depth,
    columnBlocks,
    rowGroups: clamp(Math.ceil(chunks / columnBlocks), 1, Math.ceil(rowPanels / 4)),
    perChunk: 1,
  };
}

/** Rows of A up to which B is used in place: packing it would cost more than it saves. */
const FEW_ROWS = 8;

function multiplyFewRows(
  runtime: WasmRuntime,
  { M, N, K, transposeB, operands, c, bias, activation, activated }: Products,
): void {
  const perChunk = transposeB ? clamp(Math.ceil(32768 / Math.max(K, 1) / 4) * 4, 4, 4096) : 128;
  const blocks = Math.ceil(N / perChunk);
  const count = operands.length / 2;
  const words = [
    transposeB ? 2 : 0,
    0,
    M,
    N,
    K,
    c,
    bias,
    0,
    perChunk,
    blocks,
    0,
    count,
    0,
    0,
    activation,
    activated,
    ...operands,
  ];
  runtime.run("matmulFewRows", words, blocks * count, (count * N * K * (3 + M)) / 20);
}

function multiply(runtime: WasmRuntime, products: Products): void {
  if (products.M <= FEW_ROWS && (products.M === 1 || !products.transposeA)) multiplyFewRows(runtime, products);
  else multiplyBlocks(runtime, products);
}

function multiplyBlocks(runtime: WasmRuntime, products: Products): void {
  const { M, N, K, transposeA, transposeB, operands, c, bias, activation, activated } = products;
  const rowsOfTile = runtime.relaxed ? 6 : 4;
  const width = runtime.wide ? 16 : 8;
  const { depth, rowGroups, columnBlocks, perChunk } = planBlocks(products, rowsOfTile);
  const count = operands.length / 2;
  const single = count === 1 && K > 0;
  const bytesA = single && transposeA && columnBlocks > 1 ? Math.ceil(M / rowsOfTile) * rowsOfTile * K * 4 : 0;
  const wantedB = single && rowGroups > 1 ? Math.ceil(N / width) * width * K * 4 : 0;
  const bytesB = wantedB <= MOST_PACKED_BYTES ? wantedB : 0;
  const nanoseconds = (count * M * N * K) / 25;
  const words = (a: number, b: number): number[] => [
    Number(transposeA) + 2 * Number(transposeB),
    width,
    M,
    N,
    K,
    c,
    bias,
    depth,
    rowGroups,
    columnBlocks,
    perChunk,
    count,
    a,
    b,
    activation,
    activated,
    ...operands,
  ];
  const chunks = rowGroups * columnBlocks * Math.ceil(count / perChunk);
  if (bytesA + bytesB === 0) {
    runtime.run("matmulBlocks", words(0, 0), chunks, nanoseconds);
    return;
  }
  runtime.withMemory(bytesA + bytesB + 64, (address) => {
    const packed = words(bytesA && address, bytesB && address + Math.ceil(bytesA / 64) * 64);
    const stretches = Math.ceil(K / depth);
    const groups = (bytes: number, members: number, width: number): number =>
      bytes ? Math.ceil(Math.ceil(members / width) / 16) : 0;
    runtime.run(
      "matmulPack",
      packed,
      stretches * (groups(bytesA, M, rowsOfTile) + groups(bytesB, N, width)),
      (bytesA + bytesB) / 16,
    );
    runtime.run("matmulBlocks", packed, chunks, nanoseconds);
  });
}

/** For each place of the broadcast batch, which matrix of an operand stands there. */
function matrixIndices(operandBatch: readonly number[], batch: readonly number[]): number[] {
  let indices = [0];
  let matrices = 1;
  for (const axis of operandBatch) matrices *= axis;
  const lead = batch.length - operandBatch.length;
  batch.forEach((size, axis) => {
    const own = axis < lead ? 1 : operandBatch[axis - lead]!;
    if (axis >= lead) matrices /= Math.max(own, 1);
    const stride = own === 1 ? 0 : matrices;
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index + i * stride));
  });
  return indices;
}

/** Byte addresses of the matrices of a and b for every product of the broadcast batch, alternating. */
function batchAddresses(a: Operand, b: Operand, batch: readonly number[]): number[] {
  const [placesA, placesB] = [a, b].map((x) => {
    const bytes = x.shape.at(-1)! * x.shape.at(-2)! * 4;
    return matrixIndices(x.shape.slice(0, -2), batch).map((index) => addressOf(x) + index * bytes);
  });
  return placesA!.flatMap((address, i) => [address, placesB![i]!]);
}

/** A column vector on the right is a row vector on the left of the transposed product: the same numbers in the same places. */
const swapPairs = (operands: readonly number[]): number[] => operands.map((_, i) => operands[i ^ 1]!);

/** Matrix products, and the linear layer made of one. */
export function matmulKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    matmul([a, b], [y], attributes) {
      if (a!.dtype !== "float32") return false;
      const transposes = {
        transposeA: attributes["transposeA"] === true,
        transposeB: attributes["transposeB"] === true,
      };
      const [M, N] = [y!.shape.at(-2)!, y!.shape.at(-1)!];
      const K = a!.shape.at(transposes.transposeA ? -2 : -1)!;
      const operands = batchAddresses(a!, b!, y!.shape.slice(0, -2));
      if (M * N * operands.length === 0) return;
      const common = { K, c: addressOf(y!), bias: 0, activation: 0, activated: 0 };
      if (N === 1)
        multiply(runtime, {
          ...common,
          M: 1,
          N: M,
          transposeA: false,
          transposeB: !transposes.transposeA,
          operands: swapPairs(operands),
        });
      else multiply(runtime, { ...common, M, N, ...transposes, operands });
    },
    linear(inputs, outputs, attributes) {
      const [x, weight, bias] = inputs;
      const activation = activations[attributes["activation"] as string];
      if (x!.dtype !== "float32" || activation === undefined) return false;
      const [N, K] = [weight!.shape[0]!, weight!.shape[1]!];
      const M = x!.shape[0]!;
      if (M * N === 0) return;
      const [result, before] = outputs;
      multiply(runtime, {
        M,
        N,
        K,
        transposeA: false,
        transposeB: true,
        operands: [addressOf(x!), addressOf(weight!)],
        c: addressOf(activation ? before! : result!),
        bias: bias ? addressOf(bias) : 0,
        activation,
        activated: addressOf(result!),
      });
    },
  };
}
