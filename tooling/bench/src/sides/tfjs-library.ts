/** TensorFlow.js with its wasm backend and its gradient rules, on Node. */
import { createRequire, registerHooks } from "node:module";
import { dirname } from "node:path";
import type * as TfWasm from "@tensorflow/tfjs-backend-wasm";
import type * as TfCore from "@tensorflow/tfjs-core";

/** What the sides use of it. */
export interface TfLibrary {
  readonly tf: typeof TfCore;
  readonly wasm: typeof TfWasm;
}

const CORE_FILES = "/@tensorflow/tfjs-core/dist/";

/** Registers the gradient rules: no bundle of the core package does, and its separate files import without extensions. */
async function registerGradients(): Promise<void> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const bare =
        context.parentURL?.includes(CORE_FILES) === true && specifier.startsWith(".") && !specifier.endsWith(".js");
      return next(bare ? `${specifier}.js` : specifier, context);
    },
    load: (url, context, next) =>
      next(url, url.includes(CORE_FILES) && !url.includes("/tf-core.") ? { ...context, format: "module" } : context),
  });
  const rules = "@tensorflow/tfjs-core/dist/register_all_gradients.js";
  await import(rules);
  hooks.deregister();
}

/** Loads both packages; the backend is not set yet. */
export async function loadTf(): Promise<TfLibrary> {
  const require = createRequire(import.meta.url);
  const dist = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  const tf = require("@tensorflow/tfjs-core") as typeof TfCore;
  const wasm = require("@tensorflow/tfjs-backend-wasm") as typeof TfWasm;
  await registerGradients();
  wasm.setWasmPaths(`${dist}/`);
  return { tf, wasm };
}
