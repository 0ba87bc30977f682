import type { EncoderDecoder } from "@heed/models";
import { cast, data, dispose, fromArray, scope } from "@heed/tensor";

/** greedy */
export async function searchBatch(
  model: EncoderDecoder,
  sources: readonly Int32Array[],
  { startId, endId, maxNewTokens }: { startId: number; endId: number; maxNewTokens: number },
): Promise<number[][]> {
  const B = sources.length;
  const S = Math.max(...sources.map((source) => source.length));
  const [ids, keep] = [new Int32Array(B * S), new Int32Array(B * S)];
  sources.forEach((source, b) => {
    ids.set(source, b * S);
    keep.fill(1, b * S, b * S + source.length);
  });
  const decoding = scope(() =>
    model.decoding({ source: fromArray(ids, [B, S]), sourcePadding: cast(fromArray(keep, [B, S]), "bool") }),
  );
  const cache = decoding.createCache({ maxSeqLen: maxNewTokens + 1 });
  const rows: number[][] = sources.map(() => []);
  let last = new Int32Array(B).fill(startId);
  for (let step = 0; step < maxNewTokens && rows.some((row) => row.at(-1) !== endId); step++) {
    const logits = scope(() => decoding.forward(fromArray(last, [B, 1]), { cache, lastOnly: true }));
    const values = (await data(logits)) as Float32Array;
    const V = logits.shape.at(-1)!;
    dispose(logits);
    last = Int32Array.from({ length: B }, (_, b) => {
      let best = 0;
      for (let v = 1; v < V; v++) if (values[b * V + v]! > values[b * V + best]!) best = v;
      return best;
    });
    rows.forEach((row, b) => {
      if (row.at(-1) !== endId) row.push(last[b]!);
    });
  }
  cache.dispose();
  decoding.dispose();
  return rows;
}
