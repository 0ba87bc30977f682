/**
 * float16 bit patterns as float32. Exact for every pattern; NaN keeps its sign and payload.
 *
 * @param bits IEEE 754 binary16 patterns
 * @returns as many float32 values
 * @see IEEE 754-2008, section 3.4, binary16.
 */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  const out = new Uint32Array(result.buffer); // bits, because a NaN may change when it passes through a number
  for (let i = 0; i < bits.length; i++) out[i] = widenFloat16(bits[i] ?? 0);
  return result;
}

/**
 * float32 values rounded to float16, to nearest with ties to even. Values from 65520 on become infinity, those below
 * 2^-25 (and 2^-25 itself, a tie) zero of the same sign; NaN stays NaN, with the high ten bits of its payload.
 *
 * @returns as many binary16 bit patterns
 * @see IEEE 754-2008, section 4.3.1. Differs from hardware: a signaling NaN is not made quiet unless its payload would vanish.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const result = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = narrowFloat16(bits[i] ?? 0);
  return result;
}

/** bfloat16 bit patterns (the high half of a float32) as float32. Exact for every pattern. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  const out = new Uint32Array(result.buffer);
  for (let i = 0; i < bits.length; i++) out[i] = (bits[i] ?? 0) << 16;
  return result;
}

/**
 * float32 values rounded to bfloat16, to nearest with ties to even. The largest float32 values round to infinity; NaN
 * stays NaN, with the high seven bits of its payload.
 *
 * @returns as many bfloat16 bit patterns
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const result = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = narrowBfloat16(bits[i] ?? 0);
  return result;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function widenFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal is fraction * 2^-24: normalize it so that the leading one becomes implicit.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13);
}

function narrowFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 1023 || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // from 65520, half way between 65504 and 65536
  // Normal results: rebias the exponent; a carry out of the fraction moves into the exponent, as it should.
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  if (magnitude < 0x33000000) return sign; // below 2^-25
  const exponent = magnitude >>> 23;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  return sign | roundShift(fraction, 126 - exponent);
}

function narrowBfloat16(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (bits >>> 16) | ((magnitude >>> 16) & 127 ? 0 : 0x40);
  return ((bits >>> 16) & 0x8000) | roundShift(magnitude, 16);
}

/** `value / 2^shift` rounded to nearest, ties to even. `value` below 2^31, `shift` from 1 to 24. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  return (value + ((1 << (shift - 1)) - 1) + (kept & 1)) >>> shift;
}
