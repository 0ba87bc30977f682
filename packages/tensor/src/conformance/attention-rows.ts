import { scaledDotProductAttention } from "../functions/scaled-dot-product-attention.ts";
import type { Shape } from "../types.ts";
import { bools, count, everyIndex, float, given, type Plain, position, type Sample } from "./sample.ts";

interface AttentionCase {
  readonly title: string;
  readonly B?: number;
  readonly H?: number;
  readonly G?: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
  readonly Dv?: number;
  readonly mask?: Plain;
  readonly bias?: Plain;
  readonly scale?: number;
  /** range of queries and keys */
  readonly size?: number;
}

/** Position of [b, h, t, s] in a mask or bias of shape [1 or B, 1 or H, 1 or T, 1 or S], with leading axes left out. */
const at = (plain: Plain, values: readonly number[], index: readonly number[]): number =>
  values[position(index, plain.shape)]!;

function sample({ title, B = 1, H = 1, G = H, T, S, D, Dv = D, mask, bias, scale, size = 1 }: AttentionCase): Sample {
  const shapes: readonly Shape[] = [
    [B, H, T, D],
    [B, G, S, D],
    [B, G, S, Dv],
  ];
  const [q, k, v] = shapes.map((shape, i) => float(`attention ${i}`, shape, -size, size)) as [Plain, Plain, Plain];
  return {
    name: `scaledDotProductAttention ${title} B${B} H${H} G${G} T${T} S${S} D${D} Dv${Dv}`,
    inputs: [q, k, v, ...(mask ? [mask] : []), ...(bias ? [bias] : [])],
    run: (inputs) =>
      scaledDotProductAttention(inputs[0]!, inputs[1]!, inputs[2]!, {
        mask: mask && inputs[3],
        bias: bias && inputs[mask ? 4 : 3],
        scale,
      }),
    expected(inputs) {
      const factor = scale ?? 1 / Math.sqrt(D);
      const row = (b: number, h: number, t: number): number[] => {
        const g = Math.floor(h / (H / G));
        const [query, key, value] = [((b * H + h) * T + t) * D, (b * G + g) * S * D, (b * G + g) * S * Dv];
        const scores = Array.from({ length: S }, (_, s) => {
          if (mask && !at(mask, inputs[3]!, [b, h, t, s])) return -Infinity;
          let product = 0;
          for (let d = 0; d < D; d++) product += inputs[0]![query + d]! * inputs[1]![key + s * D + d]!;
          return product * factor + (bias ? at(bias, inputs[mask ? 4 : 3]!, [b, h, t, s]) : 0);
        });
        const largest = Math.max(...scores);
        const powers = scores.map((score) => (largest === -Infinity ? 0 : Math.exp(score - largest)));
        const total = powers.reduce((sum, power) => sum + power, 0) || 1;
        return Array.from({ length: Dv }, (_, d) =>
          powers.reduce((sum, power, s) => sum + (power / total) * inputs[2]![value + s * Dv + d]!, 0),
        );
      };
      return [everyIndex([B, H, T]).flatMap(([b, h, t]) => row(b!, h!, t!))];
    },
    gradient: count([B, H, T, S, D]) > 0 && size <= 1,
    scale: 5,
  };
}

/** Query t sees keys up to t + S - T. */
const causal = (T: number, S: number, lead: Shape = []): Plain => ({
  shape: [...lead, T, S],
  dtype: "bool",
  values: everyIndex([...lead, T, S]).map((index) => Number(index.at(-1)! <= index.at(-2)! + S - T)),
});

/** Samples of attention, with and without each option. */
export function attentionSamples(): Sample[] {
  const holes = given([1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0], [4, 3], "bool");
  return [
    sample({ title: "plain", T: 3, S: 4, D: 2 }),
    sample({ title: "single", T: 1, S: 1, D: 1 }),
    sample({ title: "several heads", B: 2, H: 3, T: 5, S: 7, D: 4 }),
    sample({ title: "grouped", B: 2, H: 4, G: 2, T: 3, S: 5, D: 3 }),
    sample({ title: "one key/value head", H: 3, G: 1, T: 4, S: 4, D: 5, mask: causal(4, 4) }),
    sample({ title: "other value width", H: 2, T: 5, S: 3, D: 7, Dv: 2 }),
    sample({ title: "causal", B: 2, H: 2, T: 7, S: 7, D: 5, mask: causal(7, 7) }),
    sample({ title: "causal, long", H: 2, T: 67, S: 67, D: 16, mask: causal(67, 67) }),
    sample({ title: "causal, long, of batch", B: 2, H: 1, T: 130, S: 130, D: 8, mask: causal(130, 130, [2, 1]) }),
    sample({ title: "causal, large", B: 2, H: 2, T: 193, S: 193, D: 32, mask: causal(193, 193) }),
    sample({ title: "cached", H: 2, T: 3, S: 71, D: 32, mask: causal(3, 71) }),
    sample({ title: "one query", B: 3, H: 2, T: 1, S: 129, D: 64 }),
    sample({ title: "long, no mask", T: 131, S: 67, D: 17 }),
    sample({ title: "rows without keys", H: 2, T: 4, S: 3, D: 3, mask: holes }),
    sample({ title: "mask of keys", B: 3, H: 2, T: 5, S: 7, D: 4, mask: bools("keys", [3, 1, 1, 7]) }),
    sample({ title: "mask of heads", B: 2, H: 2, T: 3, S: 5, D: 4, mask: bools("heads", [1, 2, 3, 5]) }),
    sample({ title: "full mask", B: 2, H: 2, T: 3, S: 5, D: 4, mask: bools("full", [2, 2, 3, 5]) }),
    sample({ title: "bias", B: 2, H: 2, T: 3, S: 5, D: 4, bias: float("bias", [1, 2, 3, 5]) }),
    sample({
      title: "bias and mask, grouped",
      B: 2,
      H: 4,
      G: 2,
      T: 5,
      S: 5,
      D: 3,
      bias: float("bias", [4, 5, 5]),
      mask: causal(5, 5),
    }),
    sample({ title: "scale", T: 3, S: 4, D: 3, scale: 2.5 }),
    sample({ title: "scale 0", T: 3, S: 4, D: 3, scale: 0 }),
    sample({ title: "large scores", T: 5, S: 9, D: 4, size: 100 }),
    sample({ title: "no keys", H: 2, T: 3, S: 0, D: 4 }),
    sample({ title: "no queries", H: 2, T: 0, S: 3, D: 4 }),
  ];
}
