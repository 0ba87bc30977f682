import { clock, mayWait, type RunningWorker, startWorker, type WasmMemory, type WasmModule } from "./host.ts";
import { SPIN_MS, word } from "./pool-layout.ts";
import { workerSource } from "./worker-source.ts";

export type KernelFunction = (args: number, chunk: number) => void;

/**
 * Threads that share the chunks of a job with the calling one.
 *
 * Workers start at the first job and claim chunks once they are ready, so nobody waits for them. When idle they sleep.
 */
export class Pool {
  /** Why there are fewer threads than asked for. */
  failure: string | undefined;
  private readonly control: Int32Array;
  private readonly module: WasmModule;
  private readonly memory: WasmMemory;
  private readonly now = clock();
  private readonly canWait: boolean;
  private readonly size: number;
  private workers: RunningWorker[] | undefined;
  private lost = 0;

  /** @param size threads, the calling one included */
  constructor(module: WasmModule, memory: WasmMemory, size: number) {
    this.module = module;
    this.memory = memory;
    this.size = size;
    this.control = new Int32Array(memory.buffer, 0, 256);
    this.canWait = mayWait(this.control);
  }

  /** Threads that compute, those about to start included. */
  get threads(): number {
    return this.size - this.lost;
  }

  /** Workers that have started. */
  get ready(): number {
    return Atomics.load(this.control, word.ready);
  }

  /**
   * Runs chunks 0 .. chunks - 1 of a kernel on all threads and returns when they are done.
   *
   * @throws Error if the kernel trapped in any thread
   */
  run(index: number, kernel: KernelFunction, args: number, chunks: number): void {
    this.workers ??= this.start();
    if (this.workers.length === 0) {
      for (let chunk = 0; chunk < chunks; chunk++) kernel(args, chunk);
      return;
    }
    const { control } = this;
    control[word.kernel] = index;
    control[word.args] = args;
    control[word.chunks] = chunks;
    const failedBefore = Atomics.load(control, word.failed);
    Atomics.store(control, word.next, 0);
    Atomics.store(control, word.open, 1);
    Atomics.add(control, word.epoch, 1);
    if (Atomics.load(control, word.sleeping) > 0) Atomics.notify(control, word.epoch);
    try {
      for (let chunk = this.claim(); chunk < chunks; chunk = this.claim()) kernel(args, chunk);
    } finally {
      Atomics.store(control, word.next, chunks);
      Atomics.store(control, word.open, 0);
      this.waitForWorkers();
    }
    if (Atomics.load(control, word.failed) !== failedBefore) {
      throw new Error(
        "wasm: a kernel failed in a worker, the result is incomplete. It was probably out of memory; that worker is gone",
      );
    }
  }

  /** Ends the workers; later jobs run on the calling thread. */
  close(): void {
    for (const worker of this.workers ?? []) worker.terminate();
    this.workers = [];
    this.lost = this.size - 1;
    this.failure = "closed";
  }

  /** The number of a chunk that nobody has begun. */
  private claim(): number {
    return Atomics.add(this.control, word.next, 1);
  }

  private start(): RunningWorker[] {
    const workers: RunningWorker[] = [];
    const lose = (reason: string): void => {
      this.lost++;
      this.failure = reason;
    };
    for (let i = 1; i < this.size; i++) {
      try {
        workers.push(startWorker(workerSource, { module: this.module, memory: this.memory }, lose));
      } catch (error) {
        lose(error instanceof Error ? error.message : String(error));
      }
    }
    return workers;
  }

  private waitForWorkers(): void {
    const { control, now } = this;
    if (Atomics.load(control, word.active) === 0) return;
    const until = now() + SPIN_MS;
    while (Atomics.load(control, word.active) !== 0) {
      if (!this.canWait || now() < until) continue;
      Atomics.store(control, word.callerSleeps, 1);
      const active = Atomics.load(control, word.active);
      if (active !== 0) Atomics.wait(control, word.active, active);
      Atomics.store(control, word.callerSleeps, 0);
    }
  }
}
