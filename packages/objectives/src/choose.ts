import type { Rng } from "@heed/tensor";

/** The items in another order; each order is as likely. */
export function shuffle<T>(items: readonly T[], rng: Rng): T[] {
  return draw([...items], items.length, rng);
}

/** `count` different ones of the whole numbers below `size`, ascending; each choice is as likely. */
export function choose(size: number, count: number, rng: Rng): number[] {
  const places = Array.from({ length: size }, (_, i) => i);
  return draw(places, count, rng)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** Puts `count` random items in front, in a random order. */
function draw<T>(items: T[], count: number, rng: Rng): T[] {
  for (let i = 0; i < count; i++) {
    const j = i + rng.nextInteger(items.length - i);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
