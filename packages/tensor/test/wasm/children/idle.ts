// Starts workers, lets them idle for a second, prints what that cost and ends without closing anything.
import { kernel, makeBackend, numbers, operand } from "../harness.ts";

const backend = makeBackend({ threads: 4 });
const x = operand(backend, [200, 200], numbers(1, 40_000));
const y = operand(backend, [200, 200]);
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
while (backend.runtime.pool?.ready !== 3) {
  kernel(backend, "matmul")([x, x], [y], {});
  await pause(5);
}
await pause(100);
const before = process.cpuUsage();
await pause(1000);
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  JSON.stringify({
    idleCpuMilliseconds: (user + system) / 1000,
    ready: backend.runtime.pool?.ready,
    doneAt: Date.now(),
  }),
);
