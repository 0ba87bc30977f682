/** Rows of square grey images, -1 white to 1 black, as an SVG picture. */
export function drawRows(rows: readonly (readonly Float32Array[])[], side: number): string {
  const [pixel, gap] = [4, 6];
  const step = side * pixel + gap;
  const width = step * Math.max(...rows.map((row) => row.length)) - gap;
  const squares = rows.flatMap((row, y) =>
    row.flatMap((image, x) =>
      Array.from(image, (value, i) => {
        const grey = Math.round(255 * (1 - (Math.min(1, Math.max(-1, value)) + 1) / 2));
        const [left, top] = [x * step + (i % side) * pixel, y * step + Math.floor(i / side) * pixel];
        return `<rect x="${left}" y="${top}" width="${pixel}" height="${pixel}" fill="rgb(${grey},${grey},${grey})"/>`;
      }),
    ),
  );
  const height = step * rows.length - gap;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * width}" height="${2 * height}" viewBox="0 0 ${width} ${height}" shape-rendering="crispEdges">\n${squares.join("\n")}\n</svg>\n`;
}
