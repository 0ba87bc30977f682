// node --experimental-vm-modules --experimental-import-meta-resolve tooling/checks/bare-realm.mjs SPECIFIER: evaluates a built module, and all it imports, in a
// realm where nothing of the host exists and every usual global of a host throws when it is so much as looked at.
// Exit code 0 if it evaluates and leaves no trace.
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const guarded = [
  ..."navigator window document self process require Buffer Worker SharedWorker MessageChannel SharedArrayBuffer fetch XMLHttpRequest".split(
    " ",
  ),
  ..."WebSocket console performance crypto localStorage indexedDB setTimeout setInterval setImmediate queueMicrotask".split(
    " ",
  ),
  ..."requestAnimationFrame postMessage addEventListener importScripts gpu OffscreenCanvas Deno Bun".split(" "),
];

const context = vm.createContext({}, { name: "bare", microtaskMode: "afterEvaluate" });
vm.runInContext(
  `for (const name of ${JSON.stringify(guarded)}) {
     Object.defineProperty(globalThis, name, { configurable: true, get() { throw new Error("touched " + name + " while being imported"); } });
   }
   Math.random = () => { throw new Error("called Math.random while being imported"); };
   Date.now = () => { throw new Error("called Date.now while being imported"); };`,
  context,
);
const names = () => vm.runInContext("Reflect.ownKeys(globalThis).map(String).sort().join()", context);

const modules = new Map();
function load(url) {
  const known = modules.get(url);
  if (known) return known;
  const made = new vm.SourceTextModule(readFileSync(fileURLToPath(url), "utf8"), {
    context,
    identifier: url,
    importModuleDynamically: () => {
      throw new Error(`${url} imports dynamically while being imported`);
    },
  });
  modules.set(url, made);
  return made;
}

function link(specifier, parent) {
  if (isBuiltin(specifier)) throw new Error(`${parent.identifier} imports ${specifier}`);
  return load(import.meta.resolve(specifier, parent.identifier));
}

const entry = load(import.meta.resolve(process.argv[2]));
const before = names();
await entry.link(link);
await entry.evaluate();
if (names() !== before) throw new Error(`globals changed: ${names()}`);
if (Object.keys(entry.namespace).length === 0) throw new Error("it exports nothing");
