/**
 * Gradient of a function of one array by central differences, in float64.
 *
 * Error O(step^2): about 1e-10 for smooth functions of size 1 at the default step.
 */
export function finiteDifferences(f: (x: Float64Array) => number, x: ArrayLike<number>, step = 1e-5): Float64Array {
  const point = Float64Array.from(x);
  return point.map((value, i) => {
    const shifted = (by: number) => {
      const copy = Float64Array.from(point);
      copy[i] = value + by;
      return f(copy);
    };
    return (shifted(step) - shifted(-step)) / (2 * step);
  });
}

/** [M, K] times [K, N], row-major, summed in float64. */
export function naiveMatmul(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += Number(a[m * K + k]) * Number(b[k * N + n]);
      c[m * N + n] = sum;
    }
  }
  return c;
}

/** Softmax of each row of a [rows, columns] array, in float64; a row of -infinity gives NaN, as the definition does. */
export function naiveSoftmax(x: ArrayLike<number>, columns: number): Float64Array {
  const y = Float64Array.from(x);
  for (let start = 0; start < y.length; start += columns) {
    const row = y.subarray(start, start + columns);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = row.reduce((sum, value) => sum + Math.exp(value - top), 0);
    row.forEach((value, i) => {
      row[i] = Math.exp(value - top) / total;
    });
  }
  return y;
}

/** mulberry32: a small seeded generator of numbers in [0, 1), for inputs of tests. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
