import { readFileSync } from "node:fs";
import { loadTokenizer, randomCrops, sequentialWindows, splitTokens, trainCharacterTokenizer } from "@heed/data";
import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW, clipGlobalNorm, cosineSchedule, decayMatricesOnly } from "@heed/optim";
import * as h from "@heed/tensor";

const e = process.env;
const init = Number(e.INIT ?? 0.02),
  wd = Number(e.WD ?? 0.1),
  clip = Number(e.CLIP ?? 1),
  seed = Number(e.SEED ?? 1337),
  steps = 2000,
  bias = e.BIAS === "1";
h.useBackend(h.createWasmBackend({ threads: 1, wide: true })!);
const text = readFileSync("/work/shared/data/text/tinyshakespeare.txt", "utf8");
const tok = loadTokenizer(trainCharacterTokenizer(text));
const { train, validation } = splitTokens(tok.encode(text), { validationFraction: 0.1 });
const r = h.rng(seed);
const m = gpt2(
  {
    vocabSize: 65,
    maxSeqLen: 64,
    dModel: 128,
    numLayers: 4,
    numHeads: 4,
    activation: (e.ACT ?? "gelu") as "gelu",
    bias,
    initStd: init,
  },
  r.fork(1),
);
const opt = adamW({
  parameters: decayMatricesOnly(parameters(m), wd),
  learningRate: cosineSchedule({ peak: 1e-3, minimum: 1e-4, warmupSteps: 100, totalSteps: steps }),
  betas: [0.9, Number(e.B2 ?? 0.99)],
});
const c = randomCrops({ tokens: train, seed, contextLength: 64, batchSize: 12 });
for (let i = 0; i < steps; i++) {
  const b = c.next();
  const { value, gradients } = h.valueAndGradients(
    () => h.crossEntropy(m.forward(h.fromArray(b.inputs, [b.B, b.T])), h.fromArray(b.targets, [b.B, b.T])),
    opt.parameters,
  );
  const cl = h.scope(() => clipGlobalNorm(gradients, clip > 0 ? clip : 1e30));
  opt.step(gradients, { scale: cl.scale });
  h.dispose([value, gradients, cl]);
}
let s = 0,
  n = 0;
for (const b of sequentialWindows({ tokens: validation, contextLength: 64, batchSize: 64 })) {
  const l = h.scope(() =>
    h.crossEntropy(m.forward(h.fromArray(b.inputs, [b.B, b.T])), h.fromArray(b.targets, [b.B, b.T])),
  );
  s += h.item(l) * b.targets.length;
  n += b.targets.length;
  l.dispose();
}
console.log(JSON.stringify({ init, wd, clip, seed, bias, act: e.ACT, b2: e.B2 }), (s / n).toFixed(4));
