/** A point of a curve. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

/** The size of the drawing, in its own units; the style sheet scales it. */
export const chartSize = { width: 640, height: 240, left: 44, bottom: 26 } as const;

/** At most `most` points: means of neighbors. */
export function thin(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points];
  return Array.from({ length: most }, (_, i) => {
    const part = points.slice(Math.floor((i * points.length) / most), Math.floor(((i + 1) * points.length) / most));
    return { step: part.at(-1)!.step, loss: part.reduce((sum, { loss }) => sum + loss, 0) / part.length };
  });
}

/** Where a point is drawn. */
function place({ step, loss }: Point, steps: number, highest: number): readonly [number, number] {
  const { width, height, left, bottom } = chartSize;
  const x = left + (step / Math.max(1, steps)) * (width - left - 8);
  const y = 8 + (1 - loss / highest) * (height - bottom - 8);
  return [x, y];
}

/** The `points` of an SVG polyline through a loss curve that begins at 0 and may reach `steps`, and the labeled losses. */
export function drawCurve(
  points: readonly Point[],
  steps: number,
): { readonly line: string; readonly ticks: readonly { readonly loss: number; readonly y: number }[] } {
  const highest = Math.max(1, Math.ceil(Math.max(...points.map(({ loss }) => loss), 0)));
  const line = thin(points, 400)
    .map((point) =>
      place(point, steps, highest)
        .map((value) => value.toFixed(1))
        .join(","),
    )
    .join(" ");
  const ticks = Array.from({ length: highest + 1 }, (_, loss) => ({
    loss,
    y: place({ step: 0, loss }, 1, highest)[1],
  }));
  return { line, ticks };
}
