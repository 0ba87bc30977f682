import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { generateCorpus } from "./corpus/index.ts";
import type { Streams } from "./output.ts";
import { main } from "./program.ts";

/** Two minutes on two cores: enough to write sentences. */
const preset = ["--layers", "4", "--heads", "4", "--width", "128", "--context", "128", "--batch", "16", "--steps", "700", "--eval-every", "100", "--save-every", "100"];

const corpusBytes = 600_000;
const folder = "runs";

/** `runs/start`, or the first of `runs/start-2`, ... that does not exist yet. */
async function newFolder(cwd: string): Promise<string> {
  const taken = new Set(await readdir(join(cwd, folder)));
  for (let number = 1; ; number++) {
    const name = number === 1 ? "start" : `start-${number}`;
    if (!taken.has(name)) return join(folder, name);
  }
}

/** The text that comes with the repository, made by its grammar; the same every time. */
async function writeCorpus(cwd: string): Promise<string> {
  const path = join(cwd, folder, "corpus.txt");
  await mkdir(join(cwd, folder), { recursive: true });
  await writeFile(path, generateCorpus(1, corpusBytes));
  return relative(cwd, path);
}

/** What `npm start` does: `train` with settings for two minutes; arguments are those of `train` and come after. */
export async function startMain(args: readonly string[], streams: Streams, cwd: string): Promise<number> {
  const resumes = args.includes("--resume") || args.includes("--help");
  const hasFile = args.some((arg, i) => !arg.startsWith("-") && (i === 0 || !args[i - 1]!.startsWith("--") || args[i - 1] === "--json"));
  const corpus = await writeCorpus(cwd);
  const out = args.includes("--out") || resumes ? [] : ["--out", await newFolder(cwd)];
  return main(["train", ...(hasFile || resumes ? [] : [corpus]), ...(resumes ? [] : preset), ...out, ...args], streams, cwd);
}
