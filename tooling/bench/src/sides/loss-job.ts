import type { Job } from "../task.ts";

/** Losses that the witness shows unless told otherwise: those of the first steps, when every side has taken the same ones. */
const WITNESSED_STEPS = 3;

/**
 * A job that takes training steps; its witness is the losses of the first three, so equal means equal gradients and updates too.
 *
 * @param witnessed losses in the witness; fewer where a step takes very long
 */
export function lossJob(
  about: Readonly<Record<string, string>>,
  step: () => Promise<number>,
  witnessed = WITNESSED_STEPS,
): Job {
  const losses: number[] = [];
  const run = async (): Promise<void> => {
    const loss = await step();
    if (losses.length < witnessed) losses.push(loss);
  };
  const witness = async (): Promise<readonly number[]> => {
    while (losses.length < witnessed) await run();
    return losses;
  };
  return { about, run, witness };
}
