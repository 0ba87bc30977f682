import { plot } from "asciichart";

/** A curve of at most `width` columns: means over equal parts. */
function shrink(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    return values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
}

/** The training loss as a line drawn with characters, first update to last. */
export function lossChart(losses: readonly number[], { width = 60, height = 10 }: { readonly width?: number; readonly height?: number } = {}): string {
  if (losses.length < 2) return "";
  return plot(shrink(losses, width), { height });
}
