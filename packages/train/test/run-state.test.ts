import { loadLatestSnapshot, memoryFileStore, type Snapshot, saveSnapshot } from "@heed/checkpoints";
import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import { dataSync, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { captureRun, restoreRun, train } from "../src/index.ts";
import { counter, lossOf, tinyRun } from "./tiny.ts";

beforeEach(() => void useBackend(referenceBackend()));

type Run = ReturnType<typeof tinyRun>;

/** Trains with a generator that advances, so that its place matters too. */
async function advance(run: Run, random: ReturnType<typeof rng>, from: number, steps: number): Promise<void> {
  const loss = (batch: ReturnType<Run["cursor"]["next"]>) => {
    random.next();
    return lossOf(run.model)(batch);
  };
  for await (const _ of train({
    optimizer: run.optimizer,
    loss,
    nextBatch: run.cursor.next,
    from,
    steps,
    rng: random,
  }));
}

const everything = ({ model, optimizer, cursor }: Run, random: ReturnType<typeof rng>) => ({
  weights: parameters(model).map((weight) => dataSync(weight).slice()),
  slots: Object.values(optimizer.state().tensors).map((slot) => dataSync(slot).slice()),
  updates: optimizer.state().updates,
  cursor: cursor.state(),
  rng: random.state(),
});

const snapshotOf = (run: Run, random: ReturnType<typeof rng>, step: number): Promise<Snapshot> =>
  captureRun({ ...run, step, rng: random, metrics: { loss: [1 / 3] }, settings: { lr: 0.01 } });

test("a run saved to a store, restored elsewhere and continued ends with the bits of one that was never stopped", async () => {
  const [whole, wholeRandom] = [tinyRun(), rng(5)];
  await advance(whole, wholeRandom, 0, 10);

  const [first, firstRandom] = [tinyRun(), rng(5)];
  await advance(first, firstRandom, 0, 4);
  const store = memoryFileStore();
  await saveSnapshot(store, "run", await snapshotOf(first, firstRandom, 4));

  const second = tinyRun(99);
  const { snapshot } = await loadLatestSnapshot(store, "run");
  const { step, rng: random, metrics } = restoreRun(snapshot, second);
  expect({ step, metrics }).toEqual({ step: 4, metrics: { loss: [1 / 3] } });
  await advance(second, random, step, 10);
  expect(everything(second, random)).toEqual(everything(whole, wholeRandom));
});

test("a snapshot of another model is refused by name, and nothing is changed", async () => {
  const run = tinyRun();
  const snapshot = await snapshotOf(run, rng(0), 1);
  const build = (sizes: { dModel: number; numLayers: number }) => {
    const model = gpt2({ vocabSize: 7, maxSeqLen: 8, numHeads: 2, ...sizes }, rng(1));
    return { model, optimizer: adamW({ parameters: parameters(model), learningRate: 1 }), cursor: counter() };
  };
  const refusal = (sizes: { dModel: number; numLayers: number }): string => {
    const other = build(sizes);
    const before = everything(other, rng(0));
    try {
      restoreRun(snapshot, other);
    } catch (error) {
      expect(everything(other, rng(0))).toEqual(before);
      return String(error);
    }
    return "accepted";
  };
  expect(refusal({ dModel: 16, numLayers: 1 })).toMatchInlineSnapshot(
    `"RangeError: restoreRun: snapshot tensor stack.embedding.tokens.weight is F32 [7, 8], expected F32 [7, 16]. Build the model with the options of the run"`,
  );
  expect(refusal({ dModel: 8, numLayers: 2 })).toMatchInlineSnapshot(
    `"RangeError: restoreRun: snapshot has no tensor stack.blocks.1.norm1.gain in weights, expected shape [8]. Build the model with the options of the run"`,
  );
  expect(() => restoreRun({ ...snapshot, arrays: {} }, tinyRun())).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: restoreRun: snapshot has no group weights, expected one. It was not written by captureRun]`,
  );
  const extra = new Map(snapshot.arrays["weights"]).set("stranger", {
    dtype: "F32",
    shape: [1],
    values: new Float32Array(1),
  });
  expect(() =>
    restoreRun({ ...snapshot, arrays: { ...snapshot.arrays, weights: extra } }, tinyRun()),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: restoreRun: snapshot tensor stranger of weights is unknown here, expected one of this model. Build the model with the options of the run]`,
  );
});
