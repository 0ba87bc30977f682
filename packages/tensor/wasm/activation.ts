/** Activations that a linear layer applies to its own output. 1 relu. */
export function activate(activation: i32, x: usize, y: usize, n: i32): void {
  const zero = f32x4.splat(0);
  let i: usize = 0;
  const end = <usize>n << 2, whole = end & ~15;
  for (; i < whole; i += 16) v128.store(y + i, f32x4.pmax(zero, v128.load(x + i)));
  for (; i < end; i += 4) store<f32>(y + i, max<f32>(0, load<f32>(x + i)));
}
