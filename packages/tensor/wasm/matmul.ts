/**
 * C = A B (+ bias), float32, cut into blocks of rows and columns of C.
 *
 * B (and A, where it is transposed) is packed into panels that the inner kernel reads straight through: by
 * `matmulPack` for all chunks, or by each chunk for itself where only one uses them. K is cut into stretches of at most
 * `depth`, so that a panel of B stays in the first-level cache. Every cell of C adds its products in the order of k,
 * whatever the blocks.
 *
 * Arguments, 32-bit words: 0 transposes (1 A, 2 B), 1 columns of a panel (8, or 16 for wide tiles), 2 M, 3 N, 4 K, 5 C, 6 bias or 0, 7 depth, 8 row groups,
 * 9 column blocks, 10 products per chunk, 11 products, 12 packed A or 0, 13 packed B or 0, 14 activation, 15 activated
 * output; from 16 on the addresses of A and B of each product.
 * @see Van Zee, van de Geijn 2015, BLIS: A Framework for Rapidly Instantiating BLAS Functionality (the loop nest; here
 *   A is read in place where its rows are contiguous).
 */
import { word } from "./arguments";
import { activate } from "./activation";
import { MR, tileInPlace, tilePacked } from "./matmul-micro";
import { packAcross, packAlong, packAlongMR } from "./matmul-pack";
import { wideTileInPlace, wideTilePacked } from "./matmul-wide";
import { threadScratch } from "./scratch";

/** Columns that are packed and used together: times depth they stay in the second-level cache. */
const BLOCK_COLUMNS: i32 = 64;
/** Panels per chunk of `matmulPack`. */
const PACK_PANELS: i32 = 16;

let transposeA: bool, transposeB: bool;
let M: i32, N: i32, K: i32, depth: i32;
/** Columns of a panel of B. */
let NR: i32;
let rowPanels: i32, columnPanels: i32;
let a: usize, b: usize, c: usize, bias: usize;
/** MR x 16 cells for tiles at the edge, then 16 zeros. */
let edge: usize, zeros: usize;

// @ts-ignore: decorator
@inline
function floats(count: i32): usize {
  return <usize>count << 2;
}

function enter(args: usize): void {
  transposeA = (word(args, 0) & 1) != 0;
  transposeB = (word(args, 0) & 2) != 0;
  NR = word(args, 1);
  M = word(args, 2);
  N = word(args, 3);
  K = word(args, 4);
  depth = word(args, 7);
  rowPanels = (M + MR - 1) / MR;
  columnPanels = (N + NR - 1) / NR;
}

/** Rows `from` .. `to` (panels) of transposed A, k0 .. k0 + kc, to panels of MR. */
function packA(from: i32, to: i32, k0: i32, kc: i32, target: usize): void {
  packAlongMR(a + floats(k0 * M + from * MR), floats(M), min(to * MR, M) - from * MR, kc, target);
}

/** Columns `from` .. `to` (panels) of B. */
function packB(from: i32, to: i32, k0: i32, kc: i32, target: usize): void {
  const count = min(to * NR, N) - from * NR;
  if (transposeB) packAcross(b + floats(from * NR * K + k0), floats(K), count, kc, NR, target);
  else packAlong(b + floats(k0 * N + from * NR), floats(N), count, kc, NR, target);
}

/** Packs A and B of one product for all chunks: stretch by stretch of k, panel by panel. A chunk is PACK_PANELS panels of a stretch. */
export function matmulPack(args: usize, chunk: i32): void {
  enter(args);
  a = word(args, 16);
  b = word(args, 17);
  const packedA = <usize>word(args, 12), packedB = <usize>word(args, 13);
  const stretches = (K + depth - 1) / depth;
  const groupsA = packedA ? (rowPanels + PACK_PANELS - 1) / PACK_PANELS : 0;
  const isA = chunk < groupsA * stretches;
  if (!isA) chunk -= groupsA * stretches;
  const k0 = (chunk % stretches) * depth, kc = min(depth, K - k0);
  const from = chunk / stretches * PACK_PANELS;
  if (isA) packA(from, min(from + PACK_PANELS, rowPanels), k0, kc, packedA + floats((k0 * rowPanels + from * kc) * MR));
  else packB(from, min(from + PACK_PANELS, columnPanels), k0, kc, packedB + floats((k0 * columnPanels + from * kc) * NR));
}

/** One chunk: some products, or one row group x column block of a product. */
export function matmulBlocks(args: usize, chunk: i32): void {
  enter(args);
  bias = word(args, 6);
  const rowGroups = word(args, 8), columnBlocks = word(args, 9), perChunk = word(args, 10), products = word(args, 11);
  const block = chunk % columnBlocks, group = chunk / columnBlocks % rowGroups, first = chunk / (columnBlocks * rowGroups) * perChunk;
  const row0 = group * rowPanels / rowGroups, row1 = (group + 1) * rowPanels / rowGroups;
  const column0 = block * columnPanels / columnBlocks, column1 = (block + 1) * columnPanels / columnBlocks;
  for (let product = first; product < min(first + perChunk, products); product++) {
    const addresses = args + 64 + (<usize>product << 3);
    a = load<u32>(addresses);
    b = load<u32>(addresses, 4);
    c = <usize>word(args, 5) + floats(product * M * N);
    multiplyBlock(row0, row1, column0, column1, word(args, 12), word(args, 13));
    if (word(args, 14)) activateBlock(word(args, 14), <usize>word(args, 15) + floats(product * M * N), row0 * MR, min(row1 * MR, M), column0 * NR, min(column1 * NR, N));
  }
}

function activateBlock(activation: i32, y: usize, row0: i32, row1: i32, column0: i32, column1: i32): void {
  for (let row = row0; row < row1; row++) {
    const at = floats(row * N + column0);
    activate(activation, c + at, y + at, column1 - column0);
  }
}

function multiplyBlock(row0: i32, row1: i32, column0: i32, column1: i32, packedA: usize, packedB: usize): void {
  const longest = min(depth, K), own = !packedA && transposeA;
  const panelsAtOnce = BLOCK_COLUMNS / NR;
  const bytesA = own ? floats((row1 - row0) * MR * longest) : 0;
  edge = threadScratch(floats(MR * 16 + 16) + (packedB ? 0 : floats(BLOCK_COLUMNS * longest)) + bytesA + 64);
  zeros = edge + floats(MR * 16);
  memory.fill(zeros, 0, 64);
  const ownA = (zeros + 64 + 63) & ~63, ownB = ownA + bytesA;
  let k0 = 0;
  do {
    const kc = min(depth, K - k0);
    if (own) packA(row0, row1, k0, kc, ownA);
    const panelsA = own ? ownA - floats(row0 * MR * kc) : packedA + floats(k0 * rowPanels * MR);
    for (let from = column0; from < column1; from += panelsAtOnce) {
      const to = min(from + panelsAtOnce, column1);
      if (!packedB) packB(from, to, k0, kc, ownB);
      const panelsB = packedB ? packedB + floats(k0 * columnPanels * NR) : ownB - floats(from * kc * NR);
      for (let i = row0; i < row1; i++) {
        for (let j = from; j < to; j++) multiplyTile(i, j, k0, kc, panelsA + floats(i * MR * kc), panelsB + floats(j * kc * NR));
      }
    }
    k0 += kc;
  } while (k0 < K);
}

/** One tile: row panel i, column panel j. */
// @ts-ignore: decorator
@inline
function multiplyTile(i: i32, j: i32, k0: i32, kc: i32, panelA: usize, panelB: usize): void {
  const row = i * MR, column = j * NR;
  const rows = min(MR, M - row), columns = min(NR, N - column);
  const cell = c + floats(row * N + column);
  let init: usize, initStride: usize = 0;
  if (k0) {
    init = cell;
    initStride = floats(N);
  } else init = bias ? bias + floats(column) : zeros;
  const wide = columns > 8;
  if (rows == MR && (columns == 8 || columns == 16)) runTile(wide, row, MR - 1, k0, kc, panelA, panelB, init, initStride, cell, floats(N));
  else {
    // Not a whole tile: computed beside C, then copied.
    copyCells(init, initStride, edge, rows, columns);
    runTile(wide, row, rows - 1, k0, kc, panelA, panelB, edge, 64, edge, 64);
    copyBack(edge, cell, floats(N), rows, columns);
  }
}

// @ts-ignore: decorator
@inline
function runTile(wide: bool, row: i32, lastRow: i32, k0: i32, kc: i32, panelA: usize, panelB: usize, init: usize, initStride: usize, cell: usize, stride: usize): void {
  const rowsA = a + floats(row * K + k0);
  if (ASC_FEATURE_RELAXED_SIMD && wide) {
    if (transposeA) wideTilePacked(kc, panelA, 24, panelB, 64, 32, init, initStride, cell, stride);
    else wideTileInPlace(kc, rowsA, floats(K), lastRow, panelB, 64, 32, init, initStride, cell, stride);
  } else if (transposeA) tilePacked(kc, panelA, panelB, floats(NR), init, initStride, cell, stride);
  else tileInPlace(kc, rowsA, floats(K), lastRow, panelB, floats(NR), init, initStride, cell, stride);
}

function copyCells(from: usize, fromStride: usize, to: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < floats(columns); i += 4) store<f32>(to + i, load<f32>(from + i));
    from += fromStride;
    to += 64;
  }
}

function copyBack(from: usize, to: usize, toStride: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < floats(columns); i += 4) store<f32>(to + i, load<f32>(from + i));
    from += 64;
    to += toStride;
  }
}
