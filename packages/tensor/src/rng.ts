/** A 64-bit key and a 64-bit counter in, 64 random bits out: Threefry-2x32 with 20 rounds. Writes two words to `out`. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number, out: Uint32Array): void {
  const key2 = 0x1bd11bda ^ key0 ^ key1;
  const keys = [key0, key1, key2];
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    for (const rotation of rotations[group & 1]!) {
      x = (x + y) | 0;
      y = (y << rotation) | (y >>> (32 - rotation));
      y ^= x;
    }
    x = (x + keys[(group + 1) % 3]!) | 0;
    y = (y + keys[(group + 2) % 3]! + group + 1) | 0;
  }
  out[0] = x;
  out[1] = y;
}

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Everything that continues a generator exactly. */
export interface RngState {
  readonly key: readonly [number, number];
  /** draws made so far */
  readonly draws: number;
}

/**
 * A stream of random draws: counter-based, so the same on every backend, machine and number of threads.
 *
 * Tensor draws (`uniform`, `normal`, `dropout`) take one `nextStream` each; element i of a draw depends only on key,
 * stream and i. Plain numbers come from `next`.
 * @see Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3. Threefry-2x32-20.
 */
export class Rng {
  readonly key: readonly [number, number];
  private draws: number;
  private readonly words = new Uint32Array(2);

  constructor(state: RngState) {
    this.key = state.key;
    this.draws = state.draws;
  }

  /** The number of the next draw; each call starts another stream. */
  nextStream(): number {
    return this.draws++;
  }

  /** Uniform in [0, 1), a multiple of 2^-24. */
  next(): number {
    threefry(this.key[0], this.key[1], 0, this.nextStream(), this.words);
    return (this.words[0]! >>> 8) * 2 ** -24;
  }

  /** A whole number in [0, bound). @throws RangeError if bound is not a whole number in 1..2^24 */
  nextInteger(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 24) {
      throw new RangeError(`nextInteger: bound is out of range, expected a whole number in 1..16777216, got ${bound}`);
    }
    return Math.floor(this.next() * bound);
  }

  /** An independent generator named by a whole number; this one does not advance. */
  fork(name: number): Rng {
    threefry(this.key[0], this.key[1], name >>> 0, 0xffffffff, this.words);
    return new Rng({ key: [this.words[0]!, this.words[1]!], draws: 0 });
  }

  state(): RngState {
    return { key: this.key, draws: this.draws };
  }
}

/**
 * A generator from a seed.
 *
 * @param seed whole number in 0..2^53-1
 * @throws RangeError if it is not
 */
export function rng(seed: number): Rng {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`rng: seed is out of range, expected a whole number in 0..2^53-1, got ${seed}`);
  return new Rng({ key: [seed >>> 0, Math.floor(seed / 2 ** 32)], draws: 0 });
}
