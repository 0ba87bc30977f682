/**
 * Uniform random numbers: Threefry-2x32 with 20 rounds, bit for bit as in src/rng.ts, four counters at a time.
 * @see Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3.
 */
import { CHUNK } from "./strided";

/** The second half of a round: y turned left, then mixed with x. */
@inline
function mix(y: v128, turn: i32, x: v128): v128 {
  return v128.xor(v128.or(i32x4.shl(y, turn), i32x4.shr_u(y, 32 - turn)), x);
}

/** The top 24 bits as a fraction. */
@inline
function fractions(words: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(words, 8)), f32x4.splat(5.9604644775390625e-8));
}

/** Arguments: 0 and 1 key, 2 stream, 3 y, 4 number of elements. Elements 2i and 2i + 1 are the words of counter i. */
export function uniform(args: usize, chunk: i32): void {
  const key0 = load<i32>(args), key1 = load<i32>(args, 4), key2 = 0x1bd11bda ^ key0 ^ key1, stream = load<i32>(args, 8);
  let to = <usize>load<u32>(args, 12) + (<usize>chunk * CHUNK << 2);
  let left = min(CHUNK, load<i32>(args, 16) - chunk * CHUNK);
  let counter = chunk * (CHUNK >> 1);
  const first0 = i32x4.splat(key0), first1 = i32x4.splat(key1), first2 = i32x4.splat(key2);
  const second0 = i32x4.splat(key2 + 1);
  const second1 = i32x4.splat(key0 + 2);
  const second2 = i32x4.splat(key1 + 3);
  const second3 = i32x4.splat(key2 + 4);
  const second4 = i32x4.splat(key0 + 5);
  const start = i32x4.splat(stream + key1);
  for (; left > 0; left -= 8) {
    let x = i32x4.add(i32x4.splat(counter + key0), i32x4(0, 1, 2, 3));
    let y = start;
    x = i32x4.add(x, y); y = mix(y, 13, x);
    x = i32x4.add(x, y); y = mix(y, 15, x);
    x = i32x4.add(x, y); y = mix(y, 26, x);
    x = i32x4.add(x, y); y = mix(y, 6, x);
    x = i32x4.add(x, first1); y = i32x4.add(y, second0);
    x = i32x4.add(x, y); y = mix(y, 17, x);
    x = i32x4.add(x, y); y = mix(y, 29, x);
    x = i32x4.add(x, y); y = mix(y, 16, x);
    x = i32x4.add(x, y); y = mix(y, 24, x);
    x = i32x4.add(x, first2); y = i32x4.add(y, second1);
    x = i32x4.add(x, y); y = mix(y, 13, x);
    x = i32x4.add(x, y); y = mix(y, 15, x);
    x = i32x4.add(x, y); y = mix(y, 26, x);
    x = i32x4.add(x, y); y = mix(y, 6, x);
    x = i32x4.add(x, first0); y = i32x4.add(y, second2);
    x = i32x4.add(x, y); y = mix(y, 17, x);
    x = i32x4.add(x, y); y = mix(y, 29, x);
    x = i32x4.add(x, y); y = mix(y, 16, x);
    x = i32x4.add(x, y); y = mix(y, 24, x);
    x = i32x4.add(x, first1); y = i32x4.add(y, second3);
    x = i32x4.add(x, y); y = mix(y, 13, x);
    x = i32x4.add(x, y); y = mix(y, 15, x);
    x = i32x4.add(x, y); y = mix(y, 26, x);
    x = i32x4.add(x, y); y = mix(y, 6, x);
    x = i32x4.add(x, first2); y = i32x4.add(y, second4);
    const first = fractions(x), second = fractions(y);
    const low = v128.shuffle<f32>(first, second, 0, 4, 1, 5), high = v128.shuffle<f32>(first, second, 2, 6, 3, 7);
    if (left >= 8) {
      v128.store(to, low);
      v128.store(to, high, 16);
    } else {
      storePart(to, low, min(left, 4));
      if (left > 4) storePart(to + 16, high, left - 4);
    }
    to += 32;
    counter += 4;
  }
}

function storePart(to: usize, values: v128, count: i32): void {
  if (count == 4) {
    v128.store(to, values);
    return;
  }
  v128.store32_lane(to, values, 0);
  if (count > 1) v128.store32_lane(to, values, 1, 4);
  if (count > 2) v128.store32_lane(to, values, 2, 8);
}
