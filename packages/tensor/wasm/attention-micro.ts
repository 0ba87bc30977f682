/**
 * Small matrix products of attention on tiles that are in cache, without packing.
 *
 * Both write `rows` x 8 cells of C, rows <= MR; the tiles of matmul-wide.ts do the same for 6 x 16 cells. B is k-major: 8 consecutive floats per k, `ldb` bytes apart.
 * They differ in A: `tileRows` reads rows (k contiguous), `tileColumns` reads columns (rows contiguous), so that a
 * transposed operand needs no copy either. Rows past `rows` repeat the last one and are not stored.
 */
import { madd } from "./simd";

/** Rows of a tile that fit the registers beside two columns of B. Six would spill with multiply + add. */
@inline export const MR: i32 = 6;

/** C[rows x 8] = A[rows x K] B[K x 8]; A row-major with rows `lda` bytes apart, C rows `ldc` bytes apart. */
export function tileRows(K: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, rows: i32): void {
  const last = <usize>(rows - 1);
  let a0 = a;
  let a1 = a + min<usize>(1, last) * lda;
  let a2 = a + min<usize>(2, last) * lda;
  let a3 = a + min<usize>(3, last) * lda;
  let a4 = a + min<usize>(4, last) * lda;
  let a5 = a + min<usize>(5, last) * lda;
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  for (let k = 0; k < K; k++) {
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
    b += ldb;
  }
  storeRows(c, ldc, rows, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
}

/** C[rows x 8] += A^T B with A[K x rows] k-major: `rows` consecutive floats per k, `lda` bytes apart. Reads MR floats per k. */
export function tileColumns(K: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, rows: i32): void {
  const last = <usize>(rows - 1);
  let from = c;
  let c00 = v128.load(from), c01 = v128.load(from, 16);
  from = c + min<usize>(1, last) * ldc;
  let c10 = v128.load(from), c11 = v128.load(from, 16);
  from = c + min<usize>(2, last) * ldc;
  let c20 = v128.load(from), c21 = v128.load(from, 16);
  from = c + min<usize>(3, last) * ldc;
  let c30 = v128.load(from), c31 = v128.load(from, 16);
  from = c + min<usize>(4, last) * ldc;
  let c40 = v128.load(from), c41 = v128.load(from, 16);
  from = c + min<usize>(5, last) * ldc;
  let c50 = v128.load(from), c51 = v128.load(from, 16);
  for (let k = 0; k < K; k++) {
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
    a += lda;
    b += ldb;
  }
  storeRows(c, ldc, rows, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
}

@inline
function storeRow(c: usize, low: v128, high: v128): void {
  v128.store(c, low);
  v128.store(c, high, 16);
}

@inline
function storeRows(
  c: usize, ldc: usize, rows: i32,
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128,
  c30: v128, c31: v128, c40: v128, c41: v128, c50: v128, c51: v128,
): void {
  storeRow(c, c00, c01);
  if (rows > 1) storeRow(c + ldc, c10, c11);
  if (rows > 2) storeRow(c + 2 * ldc, c20, c21);
  if (rows > 3) storeRow(c + 3 * ldc, c30, c31);
  if (rows > 4) storeRow(c + 4 * ldc, c40, c41);
  if (rows > 5) storeRow(c + 5 * ldc, c50, c51);
}
