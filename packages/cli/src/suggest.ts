import leven from "leven";

/** ` Did you mean X?` with the nearest of some names, or nothing where none is near. */
export function suggest(name: string, known: readonly string[]): string {
  const distances = known.map((other) => [leven(name.toLowerCase(), other.toLowerCase()), other] as const);
  const [distance, nearest] = distances.sort(([a], [b]) => a - b)[0] ?? [Number.POSITIVE_INFINITY, ""];
  return distance <= Math.max(1, Math.floor(Math.max(name.length, nearest.length) * 0.4))
    ? ` Did you mean ${nearest}?`
    : "";
}
