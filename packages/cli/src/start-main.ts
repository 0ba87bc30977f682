import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { generateCorpus } from "./corpus/index.ts";
import type { Streams } from "./output.ts";
import { type MainOptions, main } from "./program.ts";
import type { StartDefaults } from "./train/start-defaults.ts";

const corpusBytes = 600_000;
const corpusSeed = 1;

/** About two minutes on two cores: enough to write sentences. */
const settings: StartDefaults["settings"] = {
  ...{ layers: 4, heads: 4, width: 128, context: 64, batch: 16, steps: 2500, lr: 3e-3 },
  ...{ evalEvery: 250, evalBatches: 10, saveEvery: 250 },
};

/** `start` counts as `start-1`. */
const numberOf = (name: string): number => Number(/^start(?:-(\d+))?$/.exec(name)?.[1] ?? (name === "start" ? 1 : 0));

async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names.map(numberOf).filter((number) => number > 0);
}

const folderOf = (runs: string, number: number): string => join(runs, number === 1 ? "start" : `start-${number}`);

/** Runs are `runs/start`, `runs/start-2`, ...; the text is made by its grammar, the same every time. */
function startDefaults(cwd: string): StartDefaults {
  const runs = join(cwd, "runs");
  return {
    settings,
    async corpus() {
      const path = join(runs, "corpus.txt");
      await mkdir(runs, { recursive: true });
      const text = new TextEncoder().encode(generateCorpus(corpusSeed, corpusBytes));
      await writeFileAtomic(nodeFileStore(), path, [text]);
      return path;
    },
    newFolder: async () => folderOf(runs, Math.max(0, ...(await numbersIn(runs))) + 1),
    async lastFolder() {
      const numbers = await numbersIn(runs);
      return numbers.length === 0 ? undefined : folderOf(runs, Math.max(...numbers));
    },
  };
}

/** What `npm start` does: `train` with settings for two minutes; arguments are those of `train`. */
export function startMain(args: readonly string[], streams: Streams, options: MainOptions): Promise<number> {
  return main(["train", ...args], streams, { ...options, start: startDefaults(options.cwd) });
}
