/**
 * A number for each update: a learning rate, or a factor of one. Update 0 is the first.
 *
 * With a warm-up of W updates, update t < W gets t / W of the peak, so update 0 gets 0 (as Hugging Face transformers does).
 */
export type Schedule = (update: number) => number;

function expectCount(where: string, argument: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
  }
}

function expectRate(where: string, argument: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) {
    throw new RangeError(`${where}: ${argument} is out of range, expected a finite number >= 0, got ${value}`);
  }
}

/** What every schedule with a warm-up takes. */
export interface WarmupOptions {
  /** value after the warm-up; default 1 */
  readonly peak?: number;
  /** updates; default 0 */
  readonly warmupSteps?: number;
}

export interface DecayOptions extends WarmupOptions {
  /** updates, warm-up included */
  readonly totalSteps: number;
  /** value at `totalSteps` and after; default 0 */
  readonly minimum?: number;
}

/** Warm-up, then `decay(progress)`; progress is 0 at its end, 1 at `totalSteps`, and grows on. */
function decaying(
  where: string,
  { peak = 1, warmupSteps = 0, totalSteps, minimum = 0 }: DecayOptions,
  decay: (progress: number) => number,
): Schedule {
  expectRate(where, "peak", peak);
  expectRate(where, "minimum", minimum);
  expectCount(where, "warmupSteps", warmupSteps, 0);
  expectCount(where, "totalSteps", totalSteps, 1);
  if (totalSteps < warmupSteps)
    throw new RangeError(
      `${where}: totalSteps is out of range, expected a whole number >= ${warmupSteps} (from warmupSteps), got ${totalSteps}`,
    );
  return (update) => {
    if (update < warmupSteps) return (peak * update) / warmupSteps;
    const progress = (update - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return minimum + (peak - minimum) * decay(progress);
  };
}

/** Warm-up, then always the peak. */
export function constantSchedule({ peak = 1, warmupSteps = 0 }: WarmupOptions = {}): Schedule {
  expectRate("constantSchedule", "peak", peak);
  expectCount("constantSchedule", "warmupSteps", warmupSteps, 0);
  return (update) => (update < warmupSteps ? (peak * update) / warmupSteps : peak);
}

/** Warm-up, then a straight line down to `minimum`. @see Devlin et al. 2018, BERT, appendix A.2, arXiv:1810.04805. */
export function linearSchedule(options: DecayOptions): Schedule {
  return decaying("linearSchedule", options, (progress) => Math.max(0, 1 - progress));
}

/**
 * Warm-up, then half a cosine down to `minimum` at `totalSteps`. The wave goes on: after `totalSteps` it rises again.
 *
 * @see Loshchilov and Hutter 2016, SGDR, section 3, arXiv:1608.03983. As torch CosineAnnealingLR and Hugging Face
 *   get_cosine_schedule_with_warmup, which both rise too.
 */
export function cosineSchedule(options: DecayOptions): Schedule {
  return decaying("cosineSchedule", options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

/**
 * Warm-up, then `cycles` half cosines, each from the peak down to `minimum`; `minimum` from `totalSteps` on.
 *
 * @param options.cycles whole number >= 1
 * @see Loshchilov and Hutter 2016, SGDR, section 3, arXiv:1608.03983. As Hugging Face
 *   get_cosine_with_hard_restarts_schedule_with_warmup.
 */
export function cosineRestartsSchedule(options: DecayOptions & { readonly cycles: number }): Schedule {
  const { cycles } = options;
  expectCount("cosineRestartsSchedule", "cycles", cycles, 1);
  return decaying("cosineRestartsSchedule", options, (progress) =>
    progress >= 1 ? 0 : (1 + Math.cos(Math.PI * ((cycles * progress) % 1))) / 2,
  );
}

/** Warm-up, then (1 - progress)^power down to `minimum`. @param options.power > 0, default 1 */
export function polynomialSchedule(options: DecayOptions & { readonly power?: number }): Schedule {
  const { power = 1 } = options;
  if (!(power > 0 && power < Infinity))
    throw new RangeError(`polynomialSchedule: power is out of range, expected a finite number > 0, got ${power}`);
  return decaying("polynomialSchedule", options, (progress) => Math.max(0, 1 - progress) ** power);
}

/** Warm-up, then peak * sqrt(warmupSteps / update). @see Raffel et al. 2019, T5, section 3.1.2, arXiv:1910.10683 (k = warmupSteps). */
export function inverseSqrtSchedule({
  peak = 1,
  warmupSteps,
}: WarmupOptions & { readonly warmupSteps: number }): Schedule {
  expectRate("inverseSqrtSchedule", "peak", peak);
  expectCount("inverseSqrtSchedule", "warmupSteps", warmupSteps, 1);
  return (update) => peak * (update < warmupSteps ? update / warmupSteps : Math.sqrt(warmupSteps / update));
}

/**
 * factor * dModel^-0.5 * min(step^-0.5, step * warmupSteps^-1.5).
 *
 * @param options.factor default 1
 * @see Vaswani et al. 2017, Attention Is All You Need, section 5.3, arXiv:1706.03762. Update 0 counts as step 1.
 */
export function noamSchedule({
  dModel,
  warmupSteps,
  factor = 1,
}: {
  readonly dModel: number;
  readonly warmupSteps: number;
  readonly factor?: number;
}): Schedule {
  expectCount("noamSchedule", "dModel", dModel, 1);
  expectCount("noamSchedule", "warmupSteps", warmupSteps, 1);
  expectRate("noamSchedule", "factor", factor);
  return (update) => {
    const step = Math.max(1, update);
    return factor * dModel ** -0.5 * Math.min(step ** -0.5, step * warmupSteps ** -1.5);
  };
}
