/**
 * The inner kernels of matmul: MR x 8 cells of C, kept in registers while K runs.
 *
 * Cells start from `init` (rows `initStride` bytes apart: C itself to add to it, or one row of bias or zeros with
 * stride 0) and end in C. B is a packed panel: 8 floats per k, `step` bytes apart. A is either packed, MR floats per k, or read in place,
 * rows `lda` bytes apart.
 */
import { madd } from "./simd";

/** Rows of a tile: as many as the registers hold. Multiply + add needs a temporary, so that six rows would spill. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;

/** C tile from A packed. */
export function tilePacked(K: i32, a: usize, b: usize, step: usize, init: usize, initStride: usize, c: usize, ldc: usize): void {
  const end = b + <usize>K * step;
  let c00 = v128.load(init), c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init), c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init), c21 = v128.load(init, 16);
  init += initStride;
  let c30 = v128.load(init), c31 = v128.load(init, 16);
  if (ASC_FEATURE_RELAXED_SIMD) {
    init += initStride;
    let c40 = v128.load(init), c41 = v128.load(init, 16);
    init += initStride;
    let c50 = v128.load(init), c51 = v128.load(init, 16);
    while (b < end) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      x = v128.load32_splat(a, 4);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      x = v128.load32_splat(a, 8);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      x = v128.load32_splat(a, 12);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      x = v128.load32_splat(a, 16);
      c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      x = v128.load32_splat(a, 20);
      c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      a += 24;
      b += step;
    }
    const c4 = c + 4 * ldc;
    v128.store(c4, c40); v128.store(c4, c41, 16);
    v128.store(c4 + ldc, c50); v128.store(c4 + ldc, c51, 16);
  } else {
    while (b < end) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      x = v128.load32_splat(a, 4);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      x = v128.load32_splat(a, 8);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      x = v128.load32_splat(a, 12);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      a += 16;
      b += step;
    }
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}

/** C tile from rows of A in place; `lastRow` (0 .. MR - 1) stands in for the rows after it. */
export function tileInPlace(K: i32, a: usize, lda: usize, lastRow: usize, b: usize, step: usize, init: usize, initStride: usize, c: usize, ldc: usize): void {
  const end = b + <usize>K * step;
  let a0 = a;
  let a1 = a + min<usize>(1, lastRow) * lda;
  let a2 = a + min<usize>(2, lastRow) * lda;
  let a3 = a + min<usize>(3, lastRow) * lda;
  let c00 = v128.load(init), c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init), c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init), c21 = v128.load(init, 16);
  init += initStride;
  let c30 = v128.load(init), c31 = v128.load(init, 16);
  if (ASC_FEATURE_RELAXED_SIMD) {
    let a4 = a + min<usize>(4, lastRow) * lda;
    let a5 = a + min<usize>(5, lastRow) * lda;
    init += initStride;
    let c40 = v128.load(init), c41 = v128.load(init, 16);
    init += initStride;
    let c50 = v128.load(init), c51 = v128.load(init, 16);
    while (b < end) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a0);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      x = v128.load32_splat(a4);
      c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
      x = v128.load32_splat(a5);
      c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
      a0 += 4; a1 += 4; a2 += 4; a3 += 4; a4 += 4; a5 += 4;
      b += step;
    }
    const c4 = c + 4 * ldc;
    v128.store(c4, c40); v128.store(c4, c41, 16);
    v128.store(c4 + ldc, c50); v128.store(c4 + ldc, c51, 16);
  } else {
    while (b < end) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a0);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
      a0 += 4; a1 += 4; a2 += 4; a3 += 4;
      b += step;
    }
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}
