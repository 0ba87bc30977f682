import { expandDims, fromArray, gather, maximum, multiply, permute, subtract, type Tensor } from "@heed/tensor";
import { alibiSlopes } from "./alibi.ts";
import { expectPositiveCount } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";

const bits = new DataView(new ArrayBuffer(4));

/** The nearest number with 8 significant bits; of two as near, that whose last bit is 0. */
function toBfloat16(value: number): number {
  bits.setFloat32(0, value);
  const whole = bits.getUint32(0);
  const tie = (whole >>> 16) & 1;
  bits.setUint32(0, (whole + 0x7fff + tie) & 0xffff0000);
  return bits.getFloat32(0);
}

/**
 * ALiBi as Falcon computes it: slopes, positions and their products are rounded to bfloat16.
 *
 * A bias is the rounded product of the key's position less that of the query's own, times `factor`: for keys before the query a
 * penalty, as that of `alibi`, which it equals where the products have 8 significant bits. For causal attention.
 *
 * Shapes: bias -> [1 or B, H, T, S]. DTypes: float32. Positions are at most maxSeqLen - 1; those below 0, of padding, count as 0.
 *
 * @param options.factor multiplies what is rounded; default 1
 * @throws RangeError if numHeads or maxSeqLen is not a whole number >= 1
 * @see Almazrouei et al. 2023, The Falcon Series of Open Language Models, arXiv:2311.16867; Hugging Face transformers,
 *   models/falcon/modeling_falcon.py. Differs: the row's own product is subtracted, which softmax cancels.
 * @example
 * const position = bfloat16Alibi({ numHeads: 6, maxSeqLen: 64 });
 */
export function bfloat16Alibi({
  numHeads,
  maxSeqLen,
  factor = 1,
}: {
  readonly numHeads: number;
  readonly maxSeqLen: number;
  readonly factor?: number;
}): PositionEncoding {
  const where = "bfloat16Alibi";
  expectPositiveCount(where, "numHeads", numHeads);
  expectPositiveCount(where, "maxSeqLen", maxSeqLen);
  const slopes = alibiSlopes(numHeads).map(toBfloat16);
  const products = Float32Array.from({ length: maxSeqLen * numHeads }, (_, i) =>
    toBfloat16(slopes[i % numHeads]! * toBfloat16(Math.floor(i / numHeads))),
  );
  return {
    bias(queryPositions, keyPositions): Tensor {
      const table = fromArray(products, [maxSeqLen, numHeads], { backend: queryPositions.backend });
      // [T, H] or [B, T, H] -> [1 or B, H, T]
      const heads = (positions: Tensor): Tensor => {
        const rows = gather(table, maximum(positions, 0), { axis: 0 });
        return permute(rows.shape.length === 2 ? expandDims(rows, 0) : rows, [0, 2, 1]);
      };
      const between = subtract(expandDims(heads(keyPositions), 2), expandDims(heads(queryPositions), 3));
      return factor === 1 ? between : multiply(between, factor);
    },
  };
}
