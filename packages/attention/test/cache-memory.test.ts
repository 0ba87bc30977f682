import { arange, countBuffers, full, referenceBackend, scope, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { CrossAttentionCache, KeyValueCache, WindowedKeyValueCache } from "../src/index.ts";

useBackend(referenceBackend());

test.each([
  { name: "KeyValueCache", make: () => new KeyValueCache({ numLayers: 2, maxSeqLen: 8 }) },
  { name: "WindowedKeyValueCache", make: () => new WindowedKeyValueCache({ numLayers: 2, windowSize: 4 }) },
  { name: "CrossAttentionCache", make: () => new CrossAttentionCache({ numLayers: 2 }) },
])("$name leaves nothing behind, reordered outside of any scope", ({ make }) => {
  const before = countBuffers().buffers;
  const cache = make();
  scope(() => {
    if ("extend" in cache) cache.extend(arange(0, 3));
    for (const layer of cache.layers) layer.append(full([2, 1, 3, 4], 1), full([2, 1, 3, 4], 2));
  });
  const held = countBuffers().buffers;
  expect(held).toBeGreaterThan(before);
  cache.reorder([1, 1, 0]);
  expect(countBuffers().buffers).toBe(held);
  cache.dispose();
  expect(countBuffers().buffers).toBe(before);
});
