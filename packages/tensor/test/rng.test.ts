import { createReferenceBackend, dataSync, normal, Rng, rng, threefry, uniform, useBackend } from "@heed/tensor";
import { beforeAll, describe, expect, test } from "vitest";

beforeAll(() => {
  useBackend(createReferenceBackend());
});

describe("threefry", () => {
  // Known answers for Threefry-2x32, 20 rounds, published with Salmon et al. 2011 (Random123, kat_vectors).
  const known = [
    { counter: [0, 0], key: [0, 0], words: [0x6b200159, 0x99ba4efe] },
    { counter: [0xffffffff, 0xffffffff], key: [0xffffffff, 0xffffffff], words: [0x1cb996fc, 0xbb002be7] },
    { counter: [0x243f6a88, 0x85a308d3], key: [0x13198a2e, 0x03707344], words: [0xc4923a9c, 0x483df7a0] },
  ] as const;
  for (const { counter, key, words } of known) {
    test(`key ${key.join(", ")}`, () => {
      const out = new Uint32Array(2);
      threefry(key[0], key[1], counter[0], counter[1], out);
      expect([...out]).toEqual(words);
    });
  }
});

describe("Rng", () => {
  test("continues from its state", () => {
    const a = rng(42);
    for (let i = 0; i < 5; i++) a.next();
    const b = new Rng(JSON.parse(JSON.stringify(a.state())));
    expect([b.next(), b.next()]).toEqual([a.next(), a.next()]);
  });

  test("different seeds, also those that differ above 32 bits", () => {
    const first = (seed: number) => rng(seed).next();
    expect(new Set([0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1].map(first)).size).toBe(5);
  });

  test("fork is independent of how often the parent drew", () => {
    const a = rng(1);
    const before = a.fork(3).next();
    a.next();
    expect(a.fork(3).next()).toBe(before);
    expect(a.fork(4).next()).not.toBe(before);
  });

  test("nextInteger stays in range and hits every number evenly", () => {
    const generator = rng(9);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10000; i++) counts[generator.nextInteger(10)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(900));
  });
});

describe("tensor draws", () => {
  const n = 100000;
  const moments = (values: ArrayLike<number>) => {
    const mean = Array.from(values).reduce((total, x) => total + x, 0) / values.length;
    const power = (k: number) => Array.from(values).reduce((total, x) => total + (x - mean) ** k, 0) / values.length;
    return { mean, variance: power(2), skew: power(3) / power(2) ** 1.5, kurtosis: power(4) / power(2) ** 2 };
  };

  test("normal: moments within 4 standard errors", () => {
    const { mean, variance, skew, kurtosis } = moments(dataSync(normal([n], { rng: rng(1), mean: 2, std: 3 })));
    expect(Math.abs(mean - 2)).toBeLessThan((4 * 3) / Math.sqrt(n));
    expect(Math.abs(variance / 9 - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(skew)).toBeLessThan(4 * Math.sqrt(6 / n));
    expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / n));
  });

  test("uniform: range, mean and variance", () => {
    const values = dataSync(uniform([n], { rng: rng(1), low: -1, high: 3 }));
    const { mean, variance } = moments(values);
    expect(values.every((x) => x >= -1 && x < 3)).toBe(true);
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(16 / 12 / n));
    expect(Math.abs(variance - 16 / 12)).toBeLessThan(0.02);
  });

  test("neighbors and streams are not correlated", () => {
    const generator = rng(7);
    const [a, b] = [dataSync(normal([n], { rng: generator })), dataSync(normal([n], { rng: generator }))];
    const correlation = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x).reduce((total, value, i) => total + value * (y[i] ?? 0), 0) / n;
    expect(Math.abs(correlation(a, b))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(correlation(a, a.slice(1)))).toBeLessThan(4 / Math.sqrt(n));
  });

  test("a longer draw begins like a shorter one", () => {
    const draw = (size: number) => [...dataSync(normal([size], { rng: rng(3) }))];
    expect(draw(101).slice(0, 50)).toEqual(draw(50));
  });
});
