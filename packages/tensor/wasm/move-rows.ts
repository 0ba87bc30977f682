/** Copies that several kernel families share. */

/** Copies bytes; short rows, such as those of attention heads, without a call into the engine. */
export function copyBytes(from: usize, to: usize, bytes: i32): void {
  if (bytes > 1024) {
    memory.copy(to, from, bytes);
    return;
  }
  let left = bytes;
  for (; left >= 32; left -= 32, from += 32, to += 32) {
    const low = v128.load(from), high = v128.load(from, 16);
    v128.store(to, low);
    v128.store(to, high, 16);
  }
  for (; left >= 4; left -= 4, from += 4, to += 4) store<i32>(to, load<i32>(from));
  for (; left > 0; left--, from++, to++) store<u8>(to, load<u8>(from));
}

/** Adds `n` floats to others. */
export function addFloats(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + 8 <= n; i += 8, from += 32, to += 32) {
    const low = f32x4.add(v128.load(to), v128.load(from));
    const high = f32x4.add(v128.load(to, 16), v128.load(from, 16));
    v128.store(to, low);
    v128.store(to, high, 16);
  }
  for (; i < n; i++, from += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}

/** Transposes a block of 4 x 4 elements of 32 bits. */
@inline
export function transpose4(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const a = v128.load(from), b = v128.load(from + fromStep), c = v128.load(from + 2 * fromStep), d = v128.load(from + 3 * fromStep);
  const low01 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), high01 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), high23 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toStep, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toStep, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toStep, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
