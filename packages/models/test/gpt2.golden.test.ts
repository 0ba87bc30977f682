import { and, causal, padding } from "@heed/attention";
import { nodeFileStore } from "@heed/checkpoints/node";
import {
  type Backend,
  createWasmBackend,
  crossEntropy,
  data,
  fromArray,
  referenceBackend,
  slice,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expectGolden, type Golden, type GoldenArray, type GoldenCase, golden } from "@heed/test-tools";
import { beforeEach, describe, expect, test } from "vitest";
import { type Decoder, type ForwardOptions, loadPretrained, namedWeights } from "../src/index.ts";

const fixtures = [
  "gpt2-lm",
  "gpt2-lm-f16",
  "gpt2-lm-bf16",
  "gpt2-lm-sharded",
  "gpt2-hub-layout",
  "gpt2-scaled-attention",
];
const backends: Record<string, () => Backend> = {
  reference: referenceBackend,
  wasm: () => createWasmBackend() ?? referenceBackend(),
};

const asTensor = ({ values, shape }: GoldenArray, dtype: "int32" | "bool" = "int32"): Tensor =>
  fromArray(values, shape, { dtype });

/** Mean loss of labels shifted one place, as the reference computes it inside the model. */
function shiftedLoss(logits: Tensor, labels: GoldenArray): Tensor {
  const [B, T, V] = logits.shape as [number, number, number];
  const targets = Int32Array.from(labels.values).filter((_, i) => i % T !== 0);
  return crossEntropy(slice(logits, [0, 0, 0], [B, T - 1, V]), fromArray(targets, [B, T - 1]));
}

/** Runs a case and compares everything it records; returns the names compared. */
async function runForward({ model, weights }: Loaded, c: GoldenCase): Promise<string[]> {
  const compared: string[] = [];
  const check = async (name: string, x: Tensor): Promise<void> => {
    const expected = c.outputs[name];
    if (!expected) return;
    expect(x.shape).toEqual(expected.shape);
    expectGolden(await data(x), expected, name);
    compared.push(name);
  };
  const tokens = asTensor(c.inputs.input_ids!);
  const keep = c.inputs.attention_mask;
  const options: ForwardOptions = keep ? { mask: and(causal(), padding(asTensor(keep, "bool"))) } : {};
  const hidden: Tensor[] = [];
  const probs: Tensor[] = [];
  const wantsProbs = Object.keys(c.outputs).some((name) => name.startsWith("attentions."));
  const observe = {
    hiddenState: (_: number, x: Tensor) => void hidden.push(x),
    ...(wantsProbs && { attention: (_: number, view: { probs: Tensor }) => void probs.push(view.probs) }),
  };
  const logits = model.forward(tokens, { ...options, observe });
  await check("logits", logits);
  await check("loss", shiftedLoss(logits, c.inputs.labels!));
  for (const [i, x] of hidden.entries()) await check(`hidden_states.${i}`, x);
  for (const [i, x] of probs.entries()) await check(`attentions.${i}`, x);
  await check("logits", model.forward(tokens, options));
  const wanted = Object.fromEntries(Object.keys(c.grads).map((name) => [name, weights.get(name)!.tensor]));
  if (Object.keys(wanted).length > 0) {
    const { gradients } = valueAndGradients(
      () => shiftedLoss(model.forward(tokens, options), c.inputs.labels!),
      wanted,
    );
    for (const [name, gradient] of Object.entries(gradients)) {
      expectGolden(await data(weights.get(name)!.asStored(gradient)), c.grads[name], name);
      compared.push(name);
    }
  }
  return compared;
}

/** Greedy decoding with the cache, the logits of every step compared. */
async function runGenerate({ model }: Loaded, c: GoldenCase): Promise<void> {
  const { input_ids } = c.inputs;
  const [B, T] = input_ids!.shape as [number, number];
  const expected = c.outputs.step_logits!;
  const [steps, , V] = expected.shape as [number, number, number];
  const cache = model.createCache();
  const sequences = Array.from({ length: B }, (_, b) =>
    Array.from(input_ids!.values.slice(b * T, (b + 1) * T), Number),
  );
  let tokens = asTensor(input_ids!);
  const seen: number[] = [];
  for (let step = 0; step < steps; step++) {
    const logits = Array.from(await data(model.forward(tokens, { cache, lastOnly: true })));
    seen.push(...logits);
    const next = sequences.map((row, b) => {
      const own = logits.slice(b * V, (b + 1) * V);
      row.push(own.indexOf(Math.max(...own)));
      return row.at(-1)!;
    });
    tokens = fromArray(next, [B, 1], { dtype: "int32" });
  }
  expectGolden(seen, expected, "step_logits");
  expectGolden(sequences.flat(), c.outputs.sequences, "sequences");
  cache.dispose();
}

interface Loaded {
  readonly model: Decoder;
  readonly weights: ReturnType<typeof namedWeights>;
}

async function load(fixture: Golden): Promise<Loaded> {
  const pretrained = await loadPretrained(nodeFileStore(), fixture.folder);
  return { model: pretrained.model as Decoder, weights: namedWeights(pretrained) };
}

for (const [backendName, makeBackend] of Object.entries(backends)) {
  describe(`on ${backendName}`, () => {
    beforeEach(() => void useBackend(makeBackend()));
    for (const name of fixtures) {
      const fixture = golden(name);
      describe.skipIf(!fixture)(name, () => {
        for (const c of fixture?.cases ?? []) {
          test(c.name, async () => {
            const loaded = await load(fixture!);
            if (c.call.kind === "generate") return runGenerate(loaded, c);
            const compared = await runForward(loaded, c);
            expect(new Set(compared)).toEqual(new Set([...Object.keys(c.outputs), ...Object.keys(c.grads)]));
          });
        }
      });
    }
  });
}
