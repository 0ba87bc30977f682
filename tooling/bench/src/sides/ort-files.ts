import type * as Ort from "onnxruntime-web";

/** Says where the library's wasm files are; on Node it finds them beside itself. */
export function setOrtFiles(_: typeof Ort): void {}
