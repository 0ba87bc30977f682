/**
 * The hand-made WebAssembly module that measures the machine: how fast registers multiply and add, and how fast memory is
 * read and copied. Bytes are assembled here, so that no library's code generator stands between the figure and the machine.
 */

/** What the module exports. Every function returns a value that depends on all of its work. */
export interface CeilingExports {
  /** Runs `iterations` rounds of ACCUMULATORS four-lane multiply-adds; returns one lane of their sum. */
  multiplyAdd(iterations: number): number;
  /** Reads `bytes` (a multiple of READ_BLOCK) from address `from`; returns one lane of the sum of what it read. */
  read(from: number, bytes: number): number;
  /** Copies `bytes` from address `from` to `to`. */
  copy(to: number, from: number, bytes: number): void;
}

/** Independent chains: more than latency (4 or 5) times throughput (2), fewer than the 16 registers. */
export const ACCUMULATORS = 12;

/** Bytes read in one turn of the read loop. */
export const READ_BLOCK = 128;

const V128 = 0x7b;
const I32 = 0x7f;
const F32 = 0x7d;
const END = 0x0b;

function unsigned(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >>> 7;
  return rest === 0 ? [low] : [low | 0x80, ...unsigned(rest)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return last ? [low] : [low | 0x80, ...signed(rest)];
}

const vector = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)];
const simd = (code: number): number[] => [0xfd, ...unsigned(code)];
const getLocal = (index: number): number[] => [0x20, ...unsigned(index)];
const setLocal = (index: number): number[] => [0x21, ...unsigned(index)];
const constant = (value: number): number[] => [0x41, ...signed(value)];

const splat = simd(0x13);
const addVectors = simd(0xe4);
const multiplyVectors = simd(0xe6);
const relaxedMultiplyAdd = simd(0x105);
const firstLane = [...simd(0x1f), 0];
const loadVector = (offset: number): number[] => [...simd(0x00), 4, ...unsigned(offset)];
const floatConstant = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];

/** do { body } while (--local), with the counter in an i32 local. */
function countdown(counter: number, step: number, body: number[]): number[] {
  const decrement = [...getLocal(counter), ...constant(step), 0x6b, 0x22, ...unsigned(counter)];
  return [0x03, 0x40, ...body, ...decrement, 0x0d, 0, END];
}

function sumOf(first: number, count: number): number[] {
  const locals = Array.from({ length: count }, (_, i) => first + i);
  return [...locals.flatMap((local, i) => [...getLocal(local), ...(i === 0 ? [] : addVectors)]), ...firstLane];
}

function multiplyAddBody(relaxed: boolean): number[] {
  const first = 3; // locals: 0 iterations, 1 and 2 the factors, then the accumulators
  const factors = [...floatConstant(0.999), ...splat, ...setLocal(1), ...floatConstant(1e-3), ...splat, ...setLocal(2)];
  const accumulate = (local: number): number[] =>
    relaxed
      ? [...getLocal(1), ...getLocal(2), ...getLocal(local), ...relaxedMultiplyAdd, ...setLocal(local)]
      : [...getLocal(1), ...getLocal(2), ...multiplyVectors, ...getLocal(local), ...addVectors, ...setLocal(local)];
  const turn = Array.from({ length: ACCUMULATORS }, (_, i) => accumulate(first + i)).flat();
  return [...factors, ...countdown(0, 1, turn), ...sumOf(first, ACCUMULATORS), END];
}

function readBody(): number[] {
  const first = 2; // locals: 0 address, 1 bytes left, then four accumulators
  const turn = Array.from({ length: READ_BLOCK / 16 }, (_, i) => {
    const local = first + (i % 4);
    return [...getLocal(0), ...loadVector(16 * i), ...getLocal(local), ...addVectors, ...setLocal(local)];
  }).flat();
  const advance = [...getLocal(0), ...constant(READ_BLOCK), 0x6a, ...setLocal(0)];
  return [...countdown(1, READ_BLOCK, [...turn, ...advance]), ...sumOf(first, 4), END];
}

function assemble(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const copyBody = [...getLocal(0), ...getLocal(1), ...getLocal(2), 0xfc, 10, 0, 0, END];
  const code = (vectors: number, body: number[]): number[] => {
    const bytes = [...vector(vectors === 0 ? [] : [[...unsigned(vectors), V128]]), ...body];
    return [...unsigned(bytes.length), ...bytes];
  };
  const type = (parameters: number[], results: number[]): number[] => [
    0x60,
    ...vector(parameters.map((p) => [p])),
    ...vector(results.map((r) => [r])),
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([type([I32], [F32]), type([I32, I32], [F32]), type([I32, I32, I32], [])])),
    ...section(2, vector([[...text("host"), ...text("memory"), 2, 3, 1, ...unsigned(65536)]])),
    ...section(3, vector([[0], [1], [2]])),
    ...section(
      7,
      vector([
        [...text("multiplyAdd"), 0, 0],
        [...text("read"), 0, 1],
        [...text("copy"), 0, 2],
      ]),
    ),
    ...section(10, vector([code(2 + ACCUMULATORS, multiplyAddBody(relaxed)), code(4, readBody()), code(0, copyBody)])),
  ]);
}

/** Compiles the module over a shared memory; `relaxed` says whether its multiply-adds are fused. */
export function ceilingModule(memory: WebAssembly.Memory): { exports: CeilingExports; relaxed: boolean } {
  const relaxed = WebAssembly.validate(assemble(true));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(relaxed)), { host: { memory } });
  return { exports: instance.exports as unknown as CeilingExports, relaxed };
}
