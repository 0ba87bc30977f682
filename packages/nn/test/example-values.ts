// What the examples in docstrings take for granted.
import { mean, rng, type Tensor, tensor } from "@heed/tensor";
import { createLinear, normalInit } from "../src/index.ts";

export const model = createLinear({ dIn: 2, dOut: 1, weight: normalInit({ std: 1, rng: rng(0) }) });
export const loss = (): Tensor => mean(model.forward(tensor([[1, 2]])));
