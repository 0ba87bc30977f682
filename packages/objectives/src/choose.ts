import type { Rng } from "@heed/tensor";

/** `count` different ones of the whole numbers below `size`, ascending; each choice is as likely. */
export function choose(size: number, count: number, rng: Rng): number[] {
  const places = Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + rng.nextInteger(size - i);
    [places[i], places[j]] = [places[j]!, places[i]!];
  }
  return places.slice(0, count).sort((a, b) => a - b);
}
