import { SPIN_MS, word } from "./pool-layout.ts";

/**
 * What a pool worker runs, as text, so that bundlers need not find a file. Receives `{ module, memory }` and then talks
 * through the control block only (see pool-layout.ts).
 */
export const workerSource = `
const now = () => performance.now();
function serve({ module, memory }) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = Object.keys(exports).filter((name) => typeof exports[name] === "function").sort().map((name) => exports[name]);
  const control = new Int32Array(memory.buffer, 0, 256);
  let seen = Atomics.load(control, ${word.epoch});
  Atomics.add(control, ${word.ready}, 1);
  for (;;) {
    Atomics.add(control, ${word.active}, 1);
    let failure;
    if (Atomics.load(control, ${word.open}) === 1) {
      const kernel = kernels[control[${word.kernel}]], args = control[${word.args}], chunks = control[${word.chunks}];
      try {
        for (let chunk; (chunk = Atomics.add(control, ${word.next}, 1)) < chunks; ) kernel(args, chunk);
      } catch (error) {
        failure = error;
        Atomics.add(control, ${word.failed}, 1);
        Atomics.sub(control, ${word.ready}, 1);
      }
    }
    if (Atomics.sub(control, ${word.active}, 1) === 1 && Atomics.load(control, ${word.callerSleeps})) Atomics.notify(control, ${word.active});
    if (failure) throw failure;
    const until = now() + ${SPIN_MS};
    while (Atomics.load(control, ${word.epoch}) === seen && now() < until);
    if (Atomics.load(control, ${word.epoch}) === seen) {
      Atomics.add(control, ${word.sleeping}, 1);
      Atomics.wait(control, ${word.epoch}, seen);
      Atomics.sub(control, ${word.sleeping}, 1);
    }
    seen = Atomics.load(control, ${word.epoch});
  }
}
if (typeof process === "object" && process.getBuiltinModule) serve(process.getBuiltinModule("node:worker_threads").workerData);
else self.onmessage = (event) => serve(event.data);
`;
