/** Functions of one array, element by element, and conversions. Arguments: 0 x, 1 y, 2 number of elements. */
import { relu4 } from "./activations";
import { CHUNK } from "./strided";

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
  if (op == 7) return relu4(x);
  if (op == 8) return i32x4.neg(x);
  if (op == 9) return i32x4.abs(x);
  if (op == 10) return i32x4.sub(i32x4.shr_s(x, 31), i32x4.shr_s(i32x4.neg(x), 31));
  if (op == 11) return i32x4.trunc_sat_f32x4_s(x);
  return f32x4.convert_i32x4_s(x);
}

@inline
function run(op: i32, args: usize, chunk: i32): void {
  const from = <usize>chunk * CHUNK << 2;
  let n = min(CHUNK, load<i32>(args, 8) - chunk * CHUNK);
  let x = <usize>load<u32>(args) + from, y = <usize>load<u32>(args, 4) + from;
  for (; n >= 16; n -= 16) {
    const v0 = apply(op, v128.load(x)), v1 = apply(op, v128.load(x, 16));
    const v2 = apply(op, v128.load(x, 32)), v3 = apply(op, v128.load(x, 48));
    v128.store(y, v0);
    v128.store(y, v1, 16);
    v128.store(y, v2, 32);
    v128.store(y, v3, 48);
    x += 64;
    y += 64;
  }
  for (; n > 0; n--) {
    v128.store32_lane(y, apply(op, v128.load32_zero(x)), 0);
    x += 4;
    y += 4;
  }
}

// A kernel for each operation: a switch inside one would make the loops one loop that switches.

export function negate(args: usize, chunk: i32): void {
  run(0, args, chunk);
}

export function abs(args: usize, chunk: i32): void {
  run(1, args, chunk);
}

export function sign(args: usize, chunk: i32): void {
  run(2, args, chunk);
}

export function floor(args: usize, chunk: i32): void {
  run(3, args, chunk);
}

export function sqrt(args: usize, chunk: i32): void {
  run(4, args, chunk);
}

export function reciprocal(args: usize, chunk: i32): void {
  run(5, args, chunk);
}

export function rsqrt(args: usize, chunk: i32): void {
  run(6, args, chunk);
}

export function relu(args: usize, chunk: i32): void {
  run(7, args, chunk);
}

export function negateInt(args: usize, chunk: i32): void {
  run(8, args, chunk);
}

export function absInt(args: usize, chunk: i32): void {
  run(9, args, chunk);
}

export function signInt(args: usize, chunk: i32): void {
  run(10, args, chunk);
}

export function floatToInt(args: usize, chunk: i32): void {
  run(11, args, chunk);
}

export function intToFloat(args: usize, chunk: i32): void {
  run(12, args, chunk);
}

/** y = (x != 0) as bytes. Argument 3: whether x is float32, otherwise int32. */
export function castToBool(args: usize, chunk: i32): void {
  const isFloat = load<i32>(args, 12) != 0;
  const start = chunk * CHUNK;
  let x = <usize>load<u32>(args) + (<usize>start << 2), y = <usize>load<u32>(args, 4) + start;
  let n = min(CHUNK, load<i32>(args, 8) - start);
  for (; n > 0; n--) {
    store<u8>(y, <u8>(isFloat ? load<f32>(x) != 0 : load<i32>(x) != 0));
    x += 4;
    y++;
  }
}

/** y = x from bytes. Argument 3: whether y is float32, otherwise int32. */
export function castFromBool(args: usize, chunk: i32): void {
  const isFloat = load<i32>(args, 12) != 0;
  const start = chunk * CHUNK;
  let x = <usize>load<u32>(args) + start, y = <usize>load<u32>(args, 4) + (<usize>start << 2);
  let n = min(CHUNK, load<i32>(args, 8) - start);
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
