import { plot } from "asciichart";

/** A value at an update. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
}

/** A curve of at most `width` columns: means over equal parts. */
function shrink(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    return values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
}

/** The training loss as a line drawn with characters, first update to last; empty for fewer than two points. */
export function lossChart(points: readonly CurvePoint[], { width = 60, height = 10 } = {}): string {
  if (points.length < 2) return "";
  const values = shrink(
    points.map(({ loss }) => loss),
    width,
  );
  const drawing = plot(values, { height });
  const label = `step ${points[0]!.step}`;
  const end = `${points.at(-1)!.step}`;
  const margin = drawing.split("\n")[0]!.search(/[┤┼]/) + 1;
  const gap = Math.max(1, values.length - label.length - end.length);
  return `${drawing}\n${" ".repeat(margin)}${label}${" ".repeat(gap)}${end}`;
}
