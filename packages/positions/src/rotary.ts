import {
  add,
  cast,
  concatenate,
  cos,
  expandDims,
  formatShape,
  fromArray,
  multiply,
  reshape,
  ShapeError,
  sin,
  slice,
  squeeze,
  subtract,
  type Tensor,
} from "@heed/tensor";
import type { PositionEncoding } from "./position-encoding.ts";
import type { RotaryScaling } from "./rotary-scaling.ts";

/** Options of {@link rotary}. */
export interface RotaryOptions {
  /** pair i turns by base^(-2i / width) radians a position; finite, > 1; default 10000 */
  readonly base?: number;
  /** channel i goes with i + width / 2 (Llama, GPT-NeoX), or 2i with 2i + 1 (the paper, GPT-J); default half-split */
  readonly layout?: "half-split" | "interleaved";
  /** channels that rotate, the first of a head, even; default all */
  readonly width?: number;
  /** for longer contexts; default none */
  readonly scaling?: RotaryScaling;
}

/**
 * Rotates pairs of channels of queries and keys by angles that grow with position: scores then see distances only.
 *
 * (a, b) -> (a cos(p w_i) - b sin(p w_i), b cos(p w_i) + a sin(p w_i)), w_i = base^(-2i / width).
 *
 * Shapes: queryOrKey [B, H, T, D], positions int32 [T] or [B, T] -> as queryOrKey.
 * DTypes: float32 or float64; angles are computed in the same.
 *
 * @throws RangeError if base or width is out of range; ShapeError if D is odd or less than width
 * @see Su et al. 2021, RoFormer, section 3.2, arXiv:2104.09864.
 * @example
 * const position = rotary({ layout: "interleaved", base: 500 });
 */
export function rotary({ base = 10000, layout = "half-split", width, scaling }: RotaryOptions = {}): PositionEncoding {
  if (!(base > 1 && Number.isFinite(base)))
    throw new RangeError(`rotary: base is out of range, expected a finite number > 1, got ${base}`);
  if (width !== undefined && !(Number.isSafeInteger(width) && width >= 2 && width % 2 === 0))
    throw new RangeError(
      `rotary: width is out of range, expected an even number >= 2, got ${width}. Channels turn in pairs`,
    );
  return {
    rotate(x, positions) {
      const D = x.shape.at(-1)!;
      const turned = width ?? D;
      checkHeads(x, positions, turned);
      const plain = Float64Array.from({ length: turned / 2 }, (_, i) => base ** ((-2 * i) / turned));
      const { frequencies, magnitude = 1 } = scaling?.({ frequencies: plain, base, width: turned }) ?? {
        frequencies: plain,
      };
      const w = fromArray(frequencies, [turned / 2], { dtype: x.dtype, backend: x.backend });
      const angles = multiply(expandDims(cast(positions, x.dtype), -1), w);
      const perHead = positions.shape.length === 2 ? expandDims(angles, 1) : angles; // [B, 1, T, width / 2]
      const grown = (part: Tensor): Tensor => (magnitude === 1 ? part : multiply(part, magnitude));
      const [cosines, sines] = [grown(cos(perHead)), grown(sin(perHead))];
      if (turned === D) return turn(x, cosines, sines, layout);
      const outer = x.shape.slice(0, -1);
      const starts = outer.map(() => 0);
      const first = slice(x, [...starts, 0], [...outer, turned]);
      const rest = slice(x, [...starts, turned], [...outer, D - turned]);
      return concatenate([turn(first, cosines, sines, layout), rest], { axis: -1 });
    },
  };
}

function checkHeads(x: Tensor, positions: Tensor, width: number): void {
  const [B, , T, D] = x.shape;
  if (x.shape.length !== 4)
    throw new ShapeError(`rotary: queryOrKey has shape ${formatShape(x.shape)}, expected [B, H, T, D]`);
  if (width > D! || width % 2 !== 0)
    throw new ShapeError(
      `rotary: queryOrKey has D=${D} in shape ${formatShape(x.shape)}, expected ${width > D! ? `at least ${width} (from width)` : "an even number. Channels turn in pairs"}`,
    );
  const rank = positions.shape.length;
  if (positions.shape.at(-1) !== T || rank > 2 || (rank === 2 && positions.shape[0] !== B))
    throw new ShapeError(
      `rotary: positions has shape ${formatShape(positions.shape)}, expected [T] or [B, T] (from queryOrKey ${formatShape(x.shape)})`,
    );
}

/** x [B, H, T, width], cosines and sines [T, width / 2] or [B, 1, T, width / 2]. */
function turn(x: Tensor, cosines: Tensor, sines: Tensor, layout: RotaryOptions["layout"]): Tensor {
  const outer = x.shape.slice(0, -1);
  const half = x.shape.at(-1)! / 2;
  const starts = outer.map(() => 0);
  if (layout === "half-split") {
    const [a, b] = [0, half].map((from) => slice(x, [...starts, from], [...outer, half])) as [Tensor, Tensor];
    return concatenate(
      [subtract(multiply(a, cosines), multiply(b, sines)), add(multiply(b, cosines), multiply(a, sines))],
      { axis: -1 },
    );
  }
  const pairs = reshape(x, [...outer, half, 2]);
  const [a, b] = [0, 1].map((from) => squeeze(slice(pairs, [...starts, 0, from], [...outer, half, 1]), -1)) as [
    Tensor,
    Tensor,
  ];
  const turned = [subtract(multiply(a, cosines), multiply(b, sines)), add(multiply(b, cosines), multiply(a, sines))];
  return reshape(
    concatenate(
      turned.map((part) => expandDims(part, -1)),
      { axis: -1 },
    ),
    x.shape,
  );
}
