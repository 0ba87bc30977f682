/** `tfjs-library.ts` in a page: the bundle holds everything but the backend's wasm files, which the server has. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import type { TfLibrary } from "./tfjs-library.ts";

/** Loads both packages; the backend is not set yet. */
export async function loadTf(): Promise<TfLibrary> {
  wasm.setWasmPaths("/tfjs/");
  return { tf, wasm };
}
