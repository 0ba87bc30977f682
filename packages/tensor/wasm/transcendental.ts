/**
 * Functions of many instructions, element by element: a kernel each, so that the engine has one loop at a time to lay out.
 * Arguments: 0 x, 1 y, 2 number of elements; of gradients 0 x, 1 gradient of y, 2 dx, 3 number of elements.
 */
import { gelu4, geluBackward4, geluTanh4, geluTanhBackward4, silu4, siluBackward4 } from "./activations";
import { cos4, erf4, exp4, log4, sin4, tanh4 } from "./math";
import { CHUNK } from "./strided";

@inline
function apply(op: i32, x: v128): v128 {
  if (op == 0) return exp4(x);
  if (op == 1) return log4(x);
  if (op == 2) return tanh4(x);
  if (op == 3) return erf4(x);
  if (op == 4) return sin4(x);
  if (op == 5) return cos4(x);
  if (op == 6) return silu4(x);
  if (op == 7) return gelu4(x);
  return geluTanh4(x);
}

/** Two neighboring vectors a turn. */
@inline
function run(op: i32, args: usize, chunk: i32): void {
  const from = <usize>chunk * CHUNK << 2;
  let n = min(CHUNK, load<i32>(args, 8) - chunk * CHUNK);
  let x = <usize>load<u32>(args) + from, y = <usize>load<u32>(args, 4) + from;
  for (; n >= 8; n -= 8) {
    const y0 = apply(op, v128.load(x)), y1 = apply(op, v128.load(x, 16));
    v128.store(y, y0);
    v128.store(y, y1, 16);
    x += 32;
    y += 32;
  }
  for (; n > 0; n--) {
    v128.store32_lane(y, apply(op, v128.load32_zero(x)), 0);
    x += 4;
    y += 4;
  }
}

export function exp(args: usize, chunk: i32): void {
  run(0, args, chunk);
}

export function log(args: usize, chunk: i32): void {
  run(1, args, chunk);
}

export function tanh(args: usize, chunk: i32): void {
  run(2, args, chunk);
}

export function erf(args: usize, chunk: i32): void {
  run(3, args, chunk);
}

export function sin(args: usize, chunk: i32): void {
  run(4, args, chunk);
}

export function cos(args: usize, chunk: i32): void {
  run(5, args, chunk);
}

export function silu(args: usize, chunk: i32): void {
  run(6, args, chunk);
}

export function gelu(args: usize, chunk: i32): void {
  run(7, args, chunk);
}

export function geluTanh(args: usize, chunk: i32): void {
  run(8, args, chunk);
}

@inline
function applyBackward(op: i32, x: v128, g: v128): v128 {
  if (op == 0) return siluBackward4(x, g);
  if (op == 1) return geluBackward4(x, g);
  return geluTanhBackward4(x, g);
}

@inline
function runBackward(op: i32, args: usize, chunk: i32): void {
  const from = <usize>chunk * CHUNK << 2;
  let n = min(CHUNK, load<i32>(args, 12) - chunk * CHUNK);
  let x = <usize>load<u32>(args) + from, g = <usize>load<u32>(args, 4) + from, dx = <usize>load<u32>(args, 8) + from;
  for (; n >= 8; n -= 8) {
    const d0 = applyBackward(op, v128.load(x), v128.load(g)), d1 = applyBackward(op, v128.load(x, 16), v128.load(g, 16));
    v128.store(dx, d0);
    v128.store(dx, d1, 16);
    x += 32;
    g += 32;
    dx += 32;
  }
  for (; n > 0; n--) {
    v128.store32_lane(dx, applyBackward(op, v128.load32_zero(x), v128.load32_zero(g)), 0);
    x += 4;
    g += 4;
    dx += 4;
  }
}

export function siluBackward(args: usize, chunk: i32): void {
  runBackward(0, args, chunk);
}

export function geluBackward(args: usize, chunk: i32): void {
  runBackward(1, args, chunk);
}

export function geluTanhBackward(args: usize, chunk: i32): void {
  runBackward(2, args, chunk);
}
