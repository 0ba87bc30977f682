/** Interleaves the sides of a case: each round gives every side its turn, and each round starts with another side. */
import { type OpenSideFn, openSide, type Side, type SideSpec, type Turn } from "./side.ts";

/** Everything that was measured of one side. */
export interface SideResult {
  readonly spec: SideSpec;
  readonly about: Readonly<Record<string, string>>;
  /** Times by round; an empty list where the side sat out. */
  readonly rounds: readonly (readonly number[])[];
  /** CPU milliseconds of all runs. */
  readonly cpuOfRuns: readonly number[];
  readonly witness: readonly number[];
  /** Largest share of a core that it used while another side had its turn. */
  readonly idleShare: number;
  /** Cores that other processes kept busy during its turns, on average. */
  readonly othersCores: number;
  readonly peakMegabytes: number;
}

/** A quiet moment between turns, so that pools that spin before they sleep have gone to sleep. */
const PAUSE_MILLISECONDS = 50;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

async function openAll(specs: readonly SideSpec[], open: OpenSideFn): Promise<Side[]> {
  const sides: Side[] = [];
  try {
    for (const spec of specs) sides.push(await open(spec));
    return sides;
  } catch (error) {
    await Promise.all(sides.map((side) => side.close()));
    throw error;
  }
}

async function runRounds(sides: readonly Side[], rounds: number): Promise<Turn[][]> {
  const turns: Turn[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < sides.length; step++) {
      const place = (step + round) % sides.length;
      const side = sides[place] as Side;
      if (round >= (side.spec.maxRounds ?? rounds)) continue;
      await pause();
      turns[place]?.push(await side.run(side.spec.iterations));
    }
  }
  return turns;
}

/**
 * Opens every side, warms it up, asks for its witness, then runs the rounds.
 *
 * @param warmUps runs of each side that are not timed; the witness is taken after them
 * @param rounds turns of each side
 * @param open where sides live; default a process each
 */
export async function interleave(
  specs: readonly SideSpec[],
  {
    rounds,
    warmUps,
    open = openSide,
  }: { readonly rounds: number; readonly warmUps: number; readonly open?: OpenSideFn },
): Promise<SideResult[]> {
  const sides = await openAll(specs, open);
  try {
    const witnesses: (readonly number[])[] = [];
    for (const side of sides) {
      await side.run(warmUps);
      witnesses.push(await side.witness());
    }
    const turns = await runRounds(sides, rounds);
    return sides.map((side, i) => ({
      spec: side.spec,
      about: side.about,
      rounds: (turns[i] ?? []).map(({ milliseconds }) => milliseconds),
      cpuOfRuns: (turns[i] ?? []).flatMap(({ cpuOfRuns }) => cpuOfRuns),
      witness: witnesses[i] ?? [],
      // The first turn's idle time holds the set-up of the sides after it, which ran in other processes.
      idleShare: Math.max(0, ...(turns[i] ?? []).map(({ idleShare }) => idleShare)),
      othersCores: average((turns[i] ?? []).map(({ othersCores }) => othersCores)),
      peakMegabytes: Math.max(0, ...(turns[i] ?? []).map(({ peakMegabytes }) => peakMegabytes)),
    }));
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

/**
 * Says where the sides disagree about the numbers; undefined when they agree.
 *
 * @param tolerance largest allowed difference, times 1 + the size of the value
 */
export function disagreement(results: readonly SideResult[], tolerance: number): string | undefined {
  const first = results[0];
  if (first === undefined) return undefined;
  for (const other of results.slice(1)) {
    if (other.witness.length !== first.witness.length) {
      return `${other.spec.label} shows ${other.witness.length} numbers, ${first.spec.label} ${first.witness.length}`;
    }
    for (const [i, value] of other.witness.entries()) {
      const expected = first.witness[i] as number;
      const close = Math.abs(value - expected) <= tolerance * (1 + Math.abs(expected));
      if (!close) return `number ${i} is ${value} at ${other.spec.label}, ${expected} at ${first.spec.label}`;
    }
  }
  return undefined;
}
