/**
 * node tooling/browser-tests/bundling/main.ts: builds programs that import the built packages with what users build with, and runs them
 * in a browser and on a server. One JSON line per check; sizes in between; the number of checks at the end.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { referenceBackend, useBackend } from "@heed/tensor";
import type { Browser } from "playwright-core";
import { type BrowserMode, collectMessages, launch, missingBrowser } from "../src/chromium.ts";
import { serve, strictPolicy } from "../src/server.ts";
import { type Built, bundleForServer, bundlers, entryOf, type Program } from "./bundlers.ts";
import { staticSite } from "./static-site.ts";

/** What a program reports from wherever it ran. */
interface Answer {
  readonly error?: string;
  readonly backend?: string;
  readonly window?: string;
  readonly logits?: readonly number[];
  readonly product?: readonly number[];
}

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
let count = 0;

/** One check: passes unless it throws. */
async function check(name: string, run: () => unknown): Promise<void> {
  count++;
  try {
    await run();
    print({ name });
  } catch (error) {
    print({ name, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function expect(fine: boolean, problem: string): void {
  if (!fine) throw new Error(problem);
}

const programs: readonly Program[] = ["models", "models-and-gpu"];
/** In gpu.js, and in the package that uses it; no minifier changes texts of errors. */
const gpuJsText = "WebGPU device was lost; call kernel.destroy()";
const gpuPackageText = "createGpuBackend: none of the modes works here";

/** Computed here, in Node, by the reference kernels of the built package. */
async function expectedLogits(): Promise<readonly number[]> {
  useBackend(referenceBackend());
  const program = new URL("fixtures/models.js", import.meta.url).href;
  const { run } = (await import(program)) as { run(): Promise<{ logits: number[] }> };
  return (await run()).logits;
}

function checkAnswer(answer: Answer, backend: string, expected: readonly number[], hasProduct: boolean): void {
  expect(answer.error === undefined, `it failed: ${answer.error}`);
  expect(answer.backend === backend, `it ran on ${answer.backend}, expected ${backend}`);
  const { logits = [], product } = answer;
  expect(logits.length === expected.length, `${logits.length} logits, expected ${expected.length}`);
  const apart = Math.max(...logits.map((logit, i) => Math.abs(logit - expected[i]!)));
  expect(apart < 1e-5, `logits are ${apart} from those computed in Node, expected less than 1e-5`);
  if (hasProduct) expect(`${product}` === "7,10,15,22", `the product is ${product}, expected 7,10,15,22`);
}

const textOf = (files: Built, keep: (path: string) => boolean): string =>
  [...files].flatMap(([path, { body }]) => (keep(path) ? [Buffer.from(body).toString()] : [])).join("\n");

/** Sizes of scripts, and what is in them. */
async function checkContents(name: string, splits: boolean, program: Program, files: Built): Promise<void> {
  const scripts = [...files].filter(([path]) => path.endsWith(".js"));
  const bytes = scripts.map(([, { body }]) => Buffer.from(body).length);
  const packed = scripts.map(([, { body }]) => gzipSync(body).length);
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  print({ size: `${name}, ${program}`, files: scripts.length, bytes: total(bytes), gzip: total(packed) });
  const all = textOf(files, (path) => path.endsWith(".js"));
  if (program === "models") {
    await check(`${name}: @heed/models alone brings neither gpu.js nor @heed/gpu`, () => {
      expect(!all.includes(gpuJsText), "gpu.js is bundled");
      expect(!all.includes(gpuPackageText), "@heed/gpu is bundled");
    });
    return;
  }
  await check(`${name}: @heed/gpu brings gpu.js${splits ? ", in a file of its own" : ""}`, () => {
    expect(all.includes(gpuPackageText), "@heed/gpu is missing");
    const withGpuJs = scripts.filter(([, { body }]) => Buffer.from(body).includes(gpuJsText));
    expect(withGpuJs.length === 1, `gpu.js is in ${withGpuJs.length} files, expected 1`);
    expect(!splits || !Buffer.from(withGpuJs[0]![1].body).includes(gpuPackageText), "gpu.js is in the first file");
  });
}

/** Opens a built page and returns what it posts. */
async function answerOf(browser: Browser, files: Built, policy: string, mode: BrowserMode): Promise<Answer> {
  let post: (text: string) => void = () => {};
  const posted = new Promise<string>((resolve) => {
    post = resolve;
  });
  const server = await serve({ files, headers: { "content-security-policy": policy }, onPost: post });
  const page = await browser.newPage();
  try {
    const complaints = collectMessages(page);
    // A script that does not run posts nothing.
    page.on("pageerror", ({ message }) => post(JSON.stringify({ error: message })));
    page.on("requestfailed", (request) => post(JSON.stringify({ error: `${request.url()} was not loaded` })));
    await page.goto(`${server.address}/index.html?mode=${mode}`);
    const timer = setTimeout(
      () => post(JSON.stringify({ error: `nothing for 60 s; ${complaints.join("; ")}` })),
      60_000,
    );
    const answer = JSON.parse(await posted) as Answer;
    clearTimeout(timer);
    return complaints.length === 0 ? answer : { error: answer.error ?? complaints.join("; ") };
  } finally {
    await page.close();
    server.close();
  }
}

interface Site {
  readonly name: string;
  readonly program: Program;
  readonly files: Built;
  readonly policy: string;
}

async function buildSites(folder: string): Promise<Site[]> {
  const sites: Site[] = [];
  for (const program of programs) {
    for (const [i, { name, splits, build }] of bundlers.entries()) {
      const out = join(folder, `${program}-${i}`);
      mkdirSync(out);
      await check(`${name} builds ${program}`, async () => {
        sites.push({ name, program, files: await build(program, out), policy: strictPolicy });
      });
      const built = sites.at(-1);
      if (built?.name === name && built.program === program) await checkContents(name, splits, program, built.files);
    }
    const { files, policySource } = staticSite(program);
    const policy = strictPolicy.replace("script-src", `script-src ${policySource}`);
    sites.push({ name: "static files", program, files, policy });
  }
  return sites;
}

/** Runs every site in a browser; those without a GPU once. */
async function runSites(sites: readonly Site[], expected: readonly number[]): Promise<void> {
  for (const mode of ["webgpu", "webgl2"] as const) {
    const browser = await launch(mode);
    try {
      for (const { name, program, files, policy } of sites) {
        const hasGpu = program === "models-and-gpu";
        if (!hasGpu && mode === "webgl2") continue;
        const backend = hasGpu ? mode : "wasm";
        await check(`${name}: ${program} runs in the browser on ${backend}`, async () =>
          checkAnswer(await answerOf(browser, files, policy, mode), backend, expected, hasGpu),
        );
      }
    } finally {
      await browser.close();
    }
  }
}

function runOnServer(script: string, ...conditions: readonly string[]): Answer {
  const args = [...conditions.map((condition) => `--conditions=${condition}`), script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  expect(status === 0 && stderr === "", `it ended with ${status}\n${stdout}${stderr}`);
  return JSON.parse(stdout) as Answer;
}

/** As a framework's server does: imported in Node under its conditions, and bundled for Node. */
async function runServers(folder: string, expected: readonly number[]): Promise<void> {
  for (const program of programs) {
    const hasGpu = program === "models-and-gpu";
    const backend = hasGpu ? "gpu.js cpu" : "wasm";
    const checkServer = (answer: Answer): void => {
      expect(answer.window === "undefined", `window is ${answer.window}`);
      checkAnswer(answer, backend, expected, hasGpu);
    };
    await check(`server import: ${program} runs without a window on ${backend}`, () =>
      checkServer(runOnServer(entryOf(program, "server"), "react-server", "node")),
    );
    await check(`webpack for a server: ${program} runs without a window on ${backend}`, async () => {
      const out = join(folder, `${program}-server`);
      checkServer(runOnServer(await bundleForServer(program, out)));
    });
  }
}

// Below this package, so that builds find its dependencies.
const parent = fileURLToPath(new URL("../node_modules/.heed-bundling", import.meta.url));
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, "run-"));
try {
  const expected = await expectedLogits();
  await runServers(folder, expected);
  const sites = await buildSites(folder);
  const missing = missingBrowser();
  if (missing === undefined) await runSites(sites, expected);
  else print({ skipped: "bundled pages run in a browser", reason: missing });
  print({ end: count });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
