import type { AttentionView, CrossAttentionCache, SequenceCache } from "@heed/attention";
import type { Norm } from "@heed/nn";
import { bindShapes, expectDType, type Rng, reshape, type Tensor } from "@heed/tensor";
import type { LayerMemory, TransformerBlock } from "./block.ts";

/** Watches a forward pass. Tensors are freed with the scope they were made in: call `keep` on what should stay. */
export interface ForwardObserver {
  /** index 0: the embeddings; index i: what block i - 1 gave; the last of them after the final norm. Shape [B, T, E] */
  hiddenState?(index: number, x: Tensor): void;
  /** scores and probs of a layer, [B, H, T, S]; asking for them runs attention unfused */
  attention?(layer: number, view: AttentionView): void;
  /** the same of a layer's cross-attention */
  crossAttention?(layer: number, view: AttentionView): void;
}

/** What cross-attention reads: an encoder's states. */
export interface Memory {
  /** [B, S, E] */
  readonly states: Tensor;
  /** bool [B, S], true = a real token; default: all of them */
  readonly padding?: Tensor | undefined;
  /** their keys and values in all layers, once they are made */
  readonly cache?: CrossAttentionCache | undefined;
}

/** What {@link runBlocks} takes beside its input. */
export interface RunOptions {
  /** bool, broadcast to [B, H, T, S], for all layers or for each; default: everything is seen */
  readonly mask?: Tensor | readonly Tensor[] | undefined;
  /** added to the scores of all layers */
  readonly bias?: Tensor | undefined;
  /** int32 [T] or [B, T] */
  readonly positions?: Tensor | undefined;
  /** int32 [S] or [B, S]; default positions */
  readonly keyPositions?: Tensor | undefined;
  readonly cache?: SequenceCache | undefined;
  readonly memory?: Memory | undefined;
  readonly rng?: Rng | undefined;
  readonly observe?: ForwardObserver | undefined;
}

/**
 * Blocks one after the other, and the norm after the last one: the middle of every model.
 *
 * Shapes: x [B, T, E] -> [B, T, E].
 */
export function runBlocks(
  { blocks, norm }: { readonly blocks: readonly TransformerBlock[]; readonly norm?: Norm | undefined },
  x: Tensor,
  options: RunOptions = {},
): Tensor {
  const { mask, bias, positions, keyPositions, cache, memory, rng, observe } = options;
  const memoryMask = memory?.padding && keysThatAre(memory.padding, memory.states);
  const masks = mask && "dtype" in mask ? blocks.map(() => mask) : mask;
  observe?.hiddenState?.(0, x);
  let y = x;
  blocks.forEach((block, layer) => {
    y = block.forward(y, {
      mask: masks?.[layer],
      bias,
      positions,
      keyPositions,
      cache: cache?.layers[layer],
      rng,
      observe: observe?.attention && ((view) => observe.attention!(layer, view)),
      memory: memory && layerMemory(memory, memoryMask, layer, observe),
    });
    if (layer < blocks.length - 1) observe?.hiddenState?.(layer + 1, y);
  });
  if (norm) y = norm.forward(y);
  if (blocks.length > 0) observe?.hiddenState?.(blocks.length, y);
  return y;
}

function layerMemory(
  { states, cache }: Memory,
  mask: Tensor | undefined,
  layer: number,
  observe: ForwardObserver | undefined,
): LayerMemory {
  const watch = observe?.crossAttention && ((view: AttentionView) => observe.crossAttention!(layer, view));
  return { states, mask, cache: cache?.layers[layer], observe: watch };
}

/** [B, S] of real tokens as a mask over keys, [B, 1, 1, S]. */
function keysThatAre(padding: Tensor, states: Tensor): Tensor {
  const { B, S } = bindShapes("memory", { states: [states, "B S E"], padding: [padding, "B S"] });
  expectDType("memory", { padding }, "bool");
  return reshape(padding, [B, 1, 1, S]);
}
