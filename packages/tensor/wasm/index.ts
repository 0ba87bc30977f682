/** Every kernel, one line per family. A kernel is an exported function `(args: usize, chunk: i32): void`. */
export * from "./attention";
export * from "./attention-ranges";
export * from "./binary";
export * from "./compare";
export * from "./cross-entropy";
export * from "./elementwise";
export * from "./gather";
export * from "./matmul";
export * from "./matvec";
export * from "./move";
export * from "./norm";
export * from "./optimizer";
export * from "./random";
export * from "./reduce";
export * from "./scan";
export * from "./softmax";
export * from "./transcendental";

/** Where the host may begin to allocate: behind the constants. */
export const heapBase: usize = __heap_base;
