import type * as Ort from "onnxruntime-web";

/** Says where the library's wasm files are: the server has them. */
export function setOrtFiles({ env }: typeof Ort): void {
  env.wasm.wasmPaths = "/ort/";
}
