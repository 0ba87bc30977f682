import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors, readSafetensors } from "@heed/checkpoints";
import { goldenRoot } from "@heed/test-tools";
import { afterAll, describe, expect, test } from "vitest";
import { jsonLines, run, temporaryFolder } from "./support.ts";

const recorded = join(goldenRoot(), "elmo");
const isThere = existsSync(recorded);
if (!isThere)
  console.log(`verify-elmo.test.ts: skipped, because there is no ${recorded}. Set HEED_GOLDEN to the fixtures`);

describe.skipIf(!isThere)("a folder of ELMo", () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  /** A copy in which something was changed. */
  async function verify(name: string, change: (path: string) => void): Promise<Record<string, unknown>[]> {
    const path = join(folder.path, name);
    // Written anew, because the fixtures may be read-only.
    mkdirSync(path);
    for (const file of readdirSync(recorded)) writeFileSync(join(path, file), readFileSync(join(recorded, file)));
    change(path);
    const { code, stdout } = await run(folder.path, ["verify", name, "--json"]);
    const events = jsonLines(stdout);
    expect(code === 0).toBe(events.at(-1)!["passed"] === 1);
    return events;
  }
  const failedNames = (events: readonly Record<string, unknown>[]): unknown[] =>
    events.filter(({ event, passed }) => event === "output" && passed === false).map(({ name }) => name);

  // Each file counts: the case is computed with the weights of both.
  test.each([
    { file: "model.safetensors", weight: "_elmo_lstm._elmo_lstm.backward_layer_1.state_projection.weight" },
    { file: "tf-names.safetensors", weight: "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_P_0" },
  ])("does not pass with another weight in $file", async ({ file, weight }) => {
    const events = await verify(file, (path) => {
      const { arrays } = readSafetensors(readFileSync(join(path, file)));
      const array = arrays.get(weight)!;
      (array.values as Float32Array)[5]! += 0.05;
      writeFileSync(join(path, file), Buffer.concat([...encodeSafetensors(arrays)]));
    });
    expect(failedNames(events)).toEqual(expect.arrayContaining(["layer_2", "representation_0"]));
    expect(failedNames(events)).not.toContain("layer_1");
  });

  test.each([
    { what: "an unknown option", from: '"do_layer_norm": false', to: '"do_layer_norm": false, "word_inputs": true' },
    { what: "gradients of a product", from: "sum(representation_0 * cotangent)", to: "prod(representation_0)" },
  ])("is not run with $what", async ({ what, from, to }) => {
    const events = await verify(what, (path) => {
      const text = readFileSync(join(path, "golden.json"), "utf8");
      expect(text).toContain(from);
      writeFileSync(join(path, "golden.json"), text.replace(from, to));
    });
    expect(events.find(({ event }) => event === "case")!["reason"]).toMatchSnapshot();
  });
});
