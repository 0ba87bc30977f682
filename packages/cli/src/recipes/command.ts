import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatHuggingFaceJson, type JsonObject } from "@heed/checkpoints";
import { isDivergedError } from "@heed/train";
import { chooseBackend } from "../backend.ts";
import type { Context } from "../context.ts";
import { checkFailed, exitCodes, wrongUse } from "../errors.ts";
import { shellWord } from "../program-name.ts";
import { listenForInterrupt } from "../train/interrupt.ts";
import { relativePath } from "../train/report.ts";
import { bertRecipe } from "./bert.ts";
import { dataFolder } from "./data-folder.ts";
import { maeRecipe } from "./mae.ts";
import { type Recipe, StoppedError } from "./recipe.ts";
import { translation } from "./translation.ts";
import { vitRecipe } from "./vit.ts";

/** Recipes by name. */
export const recipes: Readonly<Record<string, Recipe>> = {
  bert: bertRecipe,
  mae: maeRecipe,
  translation,
  vit: vitRecipe,
};

/** What the command line asks for. */
export interface RecipeRequest {
  readonly name: string;
  /** absolute path of the folder with the data */
  readonly data: string;
  readonly smoke: boolean;
  readonly seed: number;
  /** absolute path */
  readonly out: string;
  readonly resume: boolean;
  readonly threads?: number | undefined;
}

/** Throws unless a new run may be written to `folder`, or an old one goes on there. */
async function expectFolder({ out, resume }: RecipeRequest): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw wrongUse(
      `train: --out ${out} cannot be used (${error.code}), expected a folder or a new name. Choose another`,
    );
  });
  if (resume && !entries.includes("run"))
    throw wrongUse(`train: --resume found no run in ${out}, expected one. Check --out, or leave --resume out`);
  if (!resume && entries.length > 0)
    throw wrongUse(
      `train: --out ${out} is not empty, expected a new folder. Add --resume to continue a run, or choose another --out`,
    );
}

/** Runs a recipe from its data to its result; the user may stop it and go on later. */
export async function runRecipe(context: Context, request: RecipeRequest): Promise<void> {
  const { output, streams, cwd } = context;
  const { name, data, smoke, seed, out, resume, threads } = request;
  await expectFolder(request);
  const recipe = recipes[name]!;
  const read = dataFolder(data);
  for (const file of recipe.files) await read(file);
  chooseBackend(threads);
  await mkdir(join(out, "run"), { recursive: true });
  output.line(`saving to ${relativePath(cwd, out)}; Ctrl-C saves and stops`);
  const interrupt = listenForInterrupt(streams.closed, () =>
    output.notice("stopping after this step and saving; once more stops at once"),
  );
  const started = performance.now();
  try {
    const found = await recipe.run({ read, smoke, seed, out, resume, output, streams, signal: interrupt.signal });
    const seconds = Math.round((performance.now() - started) / 1000);
    const result: JsonObject = { recipe: name, seed, ...(smoke && { smoke }), secondsOfThisRun: seconds, ...found };
    await writeFile(join(out, "result.json"), formatHuggingFaceJson(result));
    output.event({ event: "done", ...result, out });
    for (const [key, value] of Object.entries(found))
      if (typeof value !== "object") output.line(`${key}: ${String(value)}`);
    output.line(`saved ${relativePath(cwd, out)}; all figures are in its result.json`);
  } catch (error) {
    if (isDivergedError(error)) throw checkFailed(error.message);
    if (!(error instanceof StoppedError)) throw error;
    const command = `${context.program} train --recipe ${name} --data ${shellWord(relativePath(cwd, data))} --out ${shellWord(relativePath(cwd, out))} --seed ${seed} --resume`;
    output.event({ event: "interrupted", continue: command });
    output.notice(`${error.message}. Continue with:\n  ${command}`);
    context.exitCode = exitCodes.interrupted;
  } finally {
    interrupt.release();
  }
}
