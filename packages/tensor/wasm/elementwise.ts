/** Elements per chunk: small enough to share among threads, large enough that claiming a chunk costs nothing. */
const CHUNK: i32 = 16384;

/** y = a + b for equal shapes. Arguments: 0 a, 1 b, 2 y, 3 n. */
export function addFlat(args: usize, chunk: i32): void {
  const n = load<i32>(args, 12);
  const from = <usize>chunk * CHUNK << 2;
  const a = <usize>load<u32>(args) + from, b = <usize>load<u32>(args, 4) + from, y = <usize>load<u32>(args, 8) + from;
  const count = min(CHUNK, n - chunk * CHUNK);
  let i: usize = 0;
  const whole = <usize>(count & ~3) << 2, end = <usize>count << 2;
  for (; i < whole; i += 16) v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
  for (; i < end; i += 4) store<f32>(y + i, load<f32>(a + i) + load<f32>(b + i));
}
