/** Reads the arguments of a kernel, or the cells of a table: 32-bit words, by place. */

// @ts-ignore: decorator
@inline
export function word(args: usize, i: usize): i32 {
  return load<i32>(args + (i << 2));
}

// @ts-ignore: decorator
@inline
export function address(args: usize, i: usize): usize {
  return load<usize>(args + (i << 2));
}

// @ts-ignore: decorator
@inline
export function float(args: usize, i: usize): f32 {
  return load<f32>(args + (i << 2));
}
