/** This repository, as a user gets it: the default backend with a chosen number of threads. */
import { createWasmBackend, data, fromArray, matmul, useBackend, type WasmBackend } from "@heed/tensor";
import { type Job, type MatmulTask, type Task, unsupported } from "../task.ts";
import { matmulOperands, sampleOfProduct } from "./operands.ts";

function startBackend(threads: number): WasmBackend {
  const backend = createWasmBackend({ threads });
  if (backend === undefined) throw new Error("startBackend: this engine has no WebAssembly SIMD, expected one that has. Run the benchmark on Node 24");
  useBackend(backend);
  return backend;
}

function openMatmul(task: MatmulTask, about: Readonly<Record<string, string>>): Job {
  const { a, b } = matmulOperands(task);
  const left = fromArray(a.values, a.shape);
  const right = fromArray(b.values, b.shape);
  const { transposeA, transposeB } = task;
  return {
    about,
    run: async () => matmul(left, right, { transposeA, transposeB }).dispose(),
    witness: async () => {
      const product = matmul(left, right, { transposeA, transposeB });
      const sample = sampleOfProduct(await data<"float32">(product));
      product.dispose();
      return sample;
    },
  };
}

/** Opens any task but a ceiling. */
export async function open(task: Task, threads: number): Promise<Job> {
  const { details } = startBackend(threads).capabilities();
  const about = { heed: "sources", simd: details["simd"] ?? "none", threads: details["threads"] ?? "1" };
  if (task.kind === "matmul") return openMatmul(task, about);
  return unsupported("heed", task);
}
