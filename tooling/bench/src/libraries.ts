/** Which file opens the jobs of which library. */
import type { Library, OpenJob } from "./task.ts";

/** Loads a library and returns what opens its jobs. */
export async function openLibrary(library: Library): Promise<OpenJob> {
  switch (library) {
    case "heed":
      return (await import("./sides/heed.ts")).open;
    case "heed-wide":
      return (await import("./sides/heed.ts")).openWide;
    case "jax":
      return (await import("./sides/jax.ts")).open;
    case "tfjs":
      return (await import("./sides/tfjs.ts")).open;
    case "tfjs-tuned":
      return (await import("./sides/tfjs.ts")).openTuned;
    case "ort":
      return (await import("./sides/ort.ts")).open;
    case "machine":
      return (await import("./sides/machine.ts")).open;
    default:
      throw new RangeError(
        `openLibrary: library is unknown, expected one of the files in sides/, got "${library}". Check --peers.`,
      );
  }
}
