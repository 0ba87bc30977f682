/** The activation that a linear layer applies to its own output: 1 relu, 2 gelu, 3 gelu by tanh, 4 silu. */
import { gelu4, geluTanh4, relu4, silu4 } from "./activations";

// @ts-ignore: decorator
@inline
function apply4(activation: i32, x: v128): v128 {
  if (activation == 1) return relu4(x);
  if (activation == 2) return gelu4(x);
  if (activation == 3) return geluTanh4(x);
  return silu4(x);
}

// @ts-ignore: decorator
@inline
function applyAll(activation: i32, x: usize, y: usize, n: i32): void {
  const end = <usize>n << 2, pairs = end & ~31;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const low = apply4(activation, v128.load(x + i)), high = apply4(activation, v128.load(x + i, 16));
    v128.store(y + i, low);
    v128.store(y + i, high, 16);
  }
  for (; i < end; i += 4) v128.store32_lane(y + i, apply4(activation, v128.load32_zero(x + i)), 0);
}

// A function for each: inlined side by side, the optimizer would join the loops to one that asks at every vector.

function reluAll(x: usize, y: usize, n: i32): void {
  applyAll(1, x, y, n);
}

function geluAll(x: usize, y: usize, n: i32): void {
  applyAll(2, x, y, n);
}

function geluTanhAll(x: usize, y: usize, n: i32): void {
  applyAll(3, x, y, n);
}

function siluAll(x: usize, y: usize, n: i32): void {
  applyAll(4, x, y, n);
}

/** y = activation(x), n elements. */
export function activate(activation: i32, x: usize, y: usize, n: i32): void {
  if (activation == 1) reluAll(x, y, n);
  else if (activation == 2) geluAll(x, y, n);
  else if (activation == 3) geluTanhAll(x, y, n);
  else siluAll(x, y, n);
}
