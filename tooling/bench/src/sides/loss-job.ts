import type { Job } from "../task.ts";

/** Losses that the witness shows: those of the first steps, when every side has taken the same ones. */
const WITNESSED_STEPS = 3;

/** A job that takes training steps; its witness is the losses of the first three, so equal means equal gradients and updates too. */
export function lossJob(about: Readonly<Record<string, string>>, step: () => Promise<number>): Job {
  const losses: number[] = [];
  const run = async (): Promise<void> => {
    const loss = await step();
    if (losses.length < WITNESSED_STEPS) losses.push(loss);
  };
  const witness = async (): Promise<readonly number[]> => {
    while (losses.length < WITNESSED_STEPS) await run();
    return losses;
  };
  return { about, run, witness };
}
