/** Functions of one array, element by element, and conversions. Arguments: 0 operation, 1 x, 2 y, 3 number of elements. */
import { gelu4, geluTanh4, relu4, silu4 } from "./activations";
import { cos4, erf4, exp4, log4, sin4, tanh4 } from "./math";
import { CHUNK } from "./strided";

/** Operation numbers, the same in src/backends/wasm/kernels/elementwise.ts. */
// @ts-ignore: decorator
@inline
function apply(op: i32, x: v128): v128 {
  const one = f32x4.splat(1);
  if (op == 0) return f32x4.neg(x);
  if (op == 1) return f32x4.abs(x);
  if (op == 2) return v128.bitselect(v128.or(v128.and(x, i32x4.splat(0x80000000)), one), x, f32x4.gt(f32x4.abs(x), f32x4.splat(0)));
  if (op == 3) return f32x4.floor(x);
  if (op == 4) return f32x4.sqrt(x);
  if (op == 5) return f32x4.div(one, x);
  if (op == 6) return f32x4.div(one, f32x4.sqrt(x));
  if (op == 7) return exp4(x);
  if (op == 8) return log4(x);
  if (op == 9) return tanh4(x);
  if (op == 10) return erf4(x);
  if (op == 11) return sin4(x);
  if (op == 12) return cos4(x);
  if (op == 13) return relu4(x);
  if (op == 14) return silu4(x);
  if (op == 15) return gelu4(x);
  if (op == 16) return geluTanh4(x);
  if (op == 17) return i32x4.neg(x);
  if (op == 18) return i32x4.abs(x);
  if (op == 19) return i32x4.sub(i32x4.shr_s(x, 31), i32x4.shr_s(i32x4.neg(x), 31));
  if (op == 20) return i32x4.trunc_sat_f32x4_s(x);
  return f32x4.convert_i32x4_s(x);
}

// @ts-ignore: decorator
@inline
function light(op: i32, x: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16) {
    v128.store(y, apply(op, v128.load(x)));
    v128.store(y, apply(op, v128.load(x, 16)), 16);
    v128.store(y, apply(op, v128.load(x, 32)), 32);
    v128.store(y, apply(op, v128.load(x, 48)), 48);
    x += 64;
    y += 64;
  }
  heavy(op, x, y, n);
}

/** One vector a turn: for functions of so many instructions that the loop costs nothing. */
// @ts-ignore: decorator
@inline
function heavy(op: i32, x: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    v128.store(y, apply(op, v128.load(x)));
    x += 16;
    y += 16;
  }
  for (; n > 0; n--) {
    v128.store32_lane(y, apply(op, v128.load32_zero(x)), 0);
    x += 4;
    y += 4;
  }
}

/** y = f(x), 4-byte elements. */
export function unary(args: usize, chunk: i32): void {
  const from = <usize>chunk * CHUNK << 2;
  const n = min(CHUNK, load<i32>(args, 12) - chunk * CHUNK);
  const x = <usize>load<u32>(args, 4) + from, y = <usize>load<u32>(args, 8) + from;
  switch (load<i32>(args)) {
    case 0: light(0, x, y, n); break;
    case 1: light(1, x, y, n); break;
    case 2: light(2, x, y, n); break;
    case 3: light(3, x, y, n); break;
    case 4: light(4, x, y, n); break;
    case 5: light(5, x, y, n); break;
    case 6: light(6, x, y, n); break;
    case 7: heavy(7, x, y, n); break;
    case 8: heavy(8, x, y, n); break;
    case 9: heavy(9, x, y, n); break;
    case 10: heavy(10, x, y, n); break;
    case 11: heavy(11, x, y, n); break;
    case 12: heavy(12, x, y, n); break;
    case 13: light(13, x, y, n); break;
    case 14: heavy(14, x, y, n); break;
    case 15: heavy(15, x, y, n); break;
    case 16: heavy(16, x, y, n); break;
    case 17: light(17, x, y, n); break;
    case 18: light(18, x, y, n); break;
    case 19: light(19, x, y, n); break;
    case 20: heavy(20, x, y, n); break;
    default: light(21, x, y, n);
  }
}

/** y = (x != 0) as bytes. Operation 0 float32, 1 int32. */
export function castToBool(args: usize, chunk: i32): void {
  const isFloat = load<i32>(args) == 0;
  const start = chunk * CHUNK;
  let x = <usize>load<u32>(args, 4) + (<usize>start << 2), y = <usize>load<u32>(args, 8) + start;
  let n = min(CHUNK, load<i32>(args, 12) - start);
  const zero = f32x4.splat(0);
  for (; n > 0; n--) {
    store<u8>(y, <u8>(isFloat ? load<f32>(x) != 0 : load<i32>(x) != 0));
    x += 4;
    y++;
  }
}

/** y = x as float32 (operation 0) or int32 (1), from bytes. */
export function castFromBool(args: usize, chunk: i32): void {
  const isFloat = load<i32>(args) == 0;
  const start = chunk * CHUNK;
  let x = <usize>load<u32>(args, 4) + start, y = <usize>load<u32>(args, 8) + (<usize>start << 2);
  let n = min(CHUNK, load<i32>(args, 12) - start);
  for (; n >= 4; n -= 4) {
    const whole = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x)));
    v128.store(y, isFloat ? f32x4.convert_i32x4_s(whole) : whole);
    x += 4;
    y += 16;
  }
  for (; n > 0; n--) {
    if (isFloat) store<f32>(y, <f32>load<u8>(x));
    else store<i32>(y, load<u8>(x));
    x++;
    y += 4;
  }
}
