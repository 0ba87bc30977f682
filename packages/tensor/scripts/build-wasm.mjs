// Compiles wasm/index.ts twice (SIMD; SIMD with relaxed operations) and embeds both in src/backends/wasm/binary.generated.ts.
// Does nothing when neither the sources nor the compiler changed. `--text FOLDER` also writes the text format, to read.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import asc from "assemblyscript/asc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, "src/backends/wasm/binary.generated.ts");
const textFolder = process.argv.includes("--text") ? process.argv[process.argv.indexOf("--text") + 1] : undefined;

/** The memory is made by the host: [0, MEMORY_BASE) is its control block, then come the kernels' constants. */
const MEMORY_BASE = 65536;

const options = [
  "--runtime",
  "stub",
  "--importMemory",
  "--noExportMemory",
  "--initialMemory",
  "2",
  "--maximumMemory",
  "65536",
  "--memoryBase",
  String(MEMORY_BASE),
  "-O3",
  "--noAssert",
  "--enable",
  "simd",
  "--disable",
  "gc",
  "--use",
  "abort=",
];

async function compile(name, relaxed) {
  let binary;
  const flags = [...options, ...(relaxed ? ["--enable", "relaxed-simd"] : []), "--outFile", "out.wasm"];
  if (textFolder) flags.push("--textFile", "out.wat");
  const { error, stderr } = await asc.main(["wasm/index.ts", ...flags, "--baseDir", root], {
    writeFile(file, contents) {
      if (file.endsWith(".wasm")) binary = Buffer.from(contents);
      else writeFileSync(join(textFolder, `${name}.wat`), contents);
    },
  });
  const messages = stderr.toString();
  if (error || !binary) throw new Error(`build-wasm: ${name} does not compile\n${messages}${error?.message ?? ""}`);
  // The builds differ in one instruction; their warnings are the same.
  if (messages && relaxed) process.stderr.write(messages);
  return binary;
}

/** Where the flags of the imported memory stand: bit 0 "has a maximum", bit 1 "shared". The host sets bit 1 to share memory. */
function memoryFlagOffset(binary) {
  const entry = Buffer.from("\x03env\x06memory\x02", "latin1");
  const at = binary.indexOf(entry);
  if (at < 0 || binary[at + entry.length] !== 1)
    throw new Error("build-wasm: memory import not found as expected (env.memory with a maximum, unshared)");
  return at + entry.length;
}

function describe(binary) {
  return `{ sharedFlagOffset: ${memoryFlagOffset(binary)}, base64: "${binary.toString("base64")}" }`;
}

function sourceHash() {
  const hash = createHash("sha256")
    .update(asc.version)
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const file of readdirSync(join(root, "wasm"))
    .filter((name) => name.endsWith(".ts"))
    .sort()) {
    hash.update(file).update(readFileSync(join(root, "wasm", file)));
  }
  return hash.digest("hex");
}

/** Compiles the other build meanwhile, in a second thread. */
function compileElsewhere() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
    worker.on("message", (binary) => resolve(Buffer.from(binary)));
    worker.on("error", reject);
  });
}

async function main() {
  const hash = sourceHash();
  if (!textFolder && existsSync(target) && readFileSync(target, "utf8").includes(hash)) return;
  if (textFolder) mkdirSync(textFolder, { recursive: true });
  const [simd, relaxed] = await Promise.all([compileElsewhere(), compile("relaxed", true)]);
  const temporary = `${target}.${process.pid}`;
  writeFileSync(
    temporary,
    `// Made by scripts/build-wasm.mjs from wasm/. Sources and compiler: ${hash}
/** Bytes that belong to the host at the start of memory. */
export const memoryBase = ${MEMORY_BASE};
/** For every engine with WebAssembly SIMD. */
export const simdBinary = ${describe(simd)};
/** For engines that also have relaxed SIMD: fused multiply-add. */
export const relaxedBinary = ${describe(relaxed)};
`,
  );
  renameSync(temporary, target);
  process.stdout.write(`build-wasm: simd ${simd.length} bytes, relaxed ${relaxed.length} bytes\n`);
}

if (isMainThread) await main();
else parentPort.postMessage(await compile("simd", false));
