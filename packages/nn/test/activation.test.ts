import { dataSync, linear, referenceBackend, tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { geluActivation, geluTanhActivation, reluActivation, siluActivation } from "../src/index.ts";

useBackend(referenceBackend());

const points = [-3, -1, -0.5, 0, 0.5, 1, 3];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Phi by integrating the density from 0, Simpson's rule. */
function normalDistribution(x: number): number {
  const steps = 1000;
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let total = density(0) + density(x);
  for (let i = 1; i < steps; i++) total += (i % 2 === 0 ? 2 : 4) * density((i * x) / steps);
  return 0.5 + (total * x) / steps / 3;
}

const definitions = [
  ["relu", reluActivation, (x: number) => Math.max(x, 0)],
  ["gelu", geluActivation, (x: number) => x * normalDistribution(x)],
  [
    "gelu, tanh",
    geluTanhActivation,
    (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
  ["silu", siluActivation, (x: number) => x * sigmoid(x)],
] as const;

test.each(definitions)("%s equals its definition, alone and fused into a linear layer", (_, activation, f) => {
  const x = tensor(points, { dtype: "float64" });
  const alone = dataSync(activation(x));
  const column = tensor(
    points.map((value) => [value]),
    { dtype: "float64" },
  );
  const fused = dataSync(
    linear(column, tensor([[1]], { dtype: "float64" }), undefined, { activation: activation.fused! }),
  );
  points.forEach((point, i) => {
    expect(alone[i]).toBeCloseTo(f(point), 9);
    expect(fused[i]).toBeCloseTo(f(point), 9);
  });
});
