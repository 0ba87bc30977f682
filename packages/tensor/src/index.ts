export { apply, applyInPlace, applyOne, create, expectDType } from "./apply.ts";
export { assign, assignSlice } from "./assign.ts";
export { isTracked, valueAndGradients } from "./autodiff.ts";
export type { Backend, BackendBuffer, BackendCapabilities, Kernel, KernelReport, Operand } from "./backend.ts";
export { kernelCounter } from "./backend.ts";
export { createMetaBackend } from "./backends/meta.ts";
export { createReferenceBackend } from "./backends/reference.ts";
export { OutOfMemoryError } from "./backends/wasm/allocator.ts";
export type { WasmBackend, WasmBackendOptions } from "./backends/wasm/backend.ts";
export { createWasmBackend } from "./backends/wasm/backend.ts";
export { currentBackend, referenceBackend, useBackend, withBackend } from "./default-backend.ts";
export { detach } from "./detach.ts";
export { DTypeError, formatShape, ShapeError, TensorStateError, UnsupportedOpError } from "./errors.ts";
export type { AdamwStepOptions } from "./functions/adamw-step.ts";
export { adamwStep } from "./functions/adamw-step.ts";
export { greater, greaterEqual, notEqual } from "./functions/comparisons.ts";
export type { CrossEntropyOptions } from "./functions/cross-entropy.ts";
export { crossEntropy } from "./functions/cross-entropy.ts";
export type { DropoutOptions } from "./functions/dropout.ts";
export { dropout } from "./functions/dropout.ts";
export { einsum } from "./functions/einsum.ts";
export { gelu } from "./functions/gelu.ts";
export { globalNorm } from "./functions/global-norm.ts";
export { layerNorm } from "./functions/layer-norm.ts";
export type { LinearActivation } from "./functions/linear.ts";
export { linear } from "./functions/linear.ts";
export { logicalAnd, logicalNot, logicalOr } from "./functions/logical.ts";
export { mean, variance } from "./functions/mean.ts";
export { oneHot } from "./functions/one-hot.ts";
export { relu } from "./functions/relu.ts";
export { rmsNorm } from "./functions/rms-norm.ts";
export type { ScaledDotProductAttentionOptions } from "./functions/scaled-dot-product-attention.ts";
export { scaledDotProductAttention } from "./functions/scaled-dot-product-attention.ts";
export { expandDims, squeeze, stack, transpose } from "./functions/shapes.ts";
export { sigmoid, softplus } from "./functions/sigmoid.ts";
export { silu } from "./functions/silu.ts";
export { logSoftmax, logSumExp, softmax } from "./functions/softmax.ts";
export type { UnfoldOptions } from "./functions/unfold.ts";
export { unfold } from "./functions/unfold.ts";
export type { Fused, GradientContext, HostView, Operation, Primitive } from "./operation.ts";
export { defineFused, definePrimitive } from "./operation.ts";
export { abs } from "./primitives/abs.ts";
export { add } from "./primitives/add.ts";
export { argmax } from "./primitives/argmax.ts";
export { broadcast } from "./primitives/broadcast.ts";
export { cast } from "./primitives/cast.ts";
export { concatenate } from "./primitives/concatenate.ts";
export { cos } from "./primitives/cos.ts";
export { cumulativeSum } from "./primitives/cumulative-sum.ts";
export { divide } from "./primitives/divide.ts";
export type { TensorOrNumber } from "./primitives/elementwise.ts";
export { equal } from "./primitives/equal.ts";
export { erf } from "./primitives/erf.ts";
export { exp } from "./primitives/exp.ts";
export { floor } from "./primitives/floor.ts";
export { gather } from "./primitives/gather.ts";
export type { PrimitiveName } from "./primitives/index.ts";
export { primitives } from "./primitives/index.ts";
export { less } from "./primitives/less.ts";
export { lessEqual } from "./primitives/less-equal.ts";
export { log } from "./primitives/log.ts";
export type { MatmulAttributes } from "./primitives/matmul.ts";
export { matmul } from "./primitives/matmul.ts";
export { max } from "./primitives/max.ts";
export { maximum } from "./primitives/maximum.ts";
export { min } from "./primitives/min.ts";
export { minimum } from "./primitives/minimum.ts";
export { multiply } from "./primitives/multiply.ts";
export { negate } from "./primitives/negate.ts";
export { normal } from "./primitives/normal.ts";
export { pad } from "./primitives/pad.ts";
export { permute } from "./primitives/permute.ts";
export { power } from "./primitives/power.ts";
export { reciprocal } from "./primitives/reciprocal.ts";
export type { ReduceOptions } from "./primitives/reduce.ts";
export { reshape } from "./primitives/reshape.ts";
export { rsqrt } from "./primitives/rsqrt.ts";
export { scatterAdd } from "./primitives/scatter-add.ts";
export { select } from "./primitives/select.ts";
export { sign } from "./primitives/sign.ts";
export { sin } from "./primitives/sin.ts";
export { slice } from "./primitives/slice.ts";
export { split } from "./primitives/split.ts";
export { sqrt } from "./primitives/sqrt.ts";
export { subtract } from "./primitives/subtract.ts";
export { sum } from "./primitives/sum.ts";
export { tanh } from "./primitives/tanh.ts";
export { topK } from "./primitives/top-k.ts";
export type { DrawOptions } from "./primitives/uniform.ts";
export { uniform } from "./primitives/uniform.ts";
export type { RngState } from "./rng.ts";
export { Rng, rng, threefry } from "./rng.ts";
export { dispose, keep, scope } from "./scope.ts";
export { bindShapes, broadcastShapes, normalizeAxes, normalizeAxis, sizeOf } from "./shape.ts";
export type { CreateOptions, NestedArray } from "./tensor.ts";
export {
  arange,
  countBuffers,
  data,
  dataSync,
  fromArray,
  full,
  isTensor,
  item,
  ones,
  Tensor,
  tensor,
  zeros,
} from "./tensor.ts";
export type { DType, Shape, TensorSpec, TypedArray } from "./types.ts";
export { bytesPerElement } from "./types.ts";
