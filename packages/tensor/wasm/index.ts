/** Every kernel, one line per family. A kernel is an exported function `(args: usize, chunk: i32): void`. */
export * from "./elementwise";
export * from "./matmul";
export * from "./matvec";

/** Where the host may begin to allocate: behind the constants. */
export const heapBase: usize = __heap_base;
