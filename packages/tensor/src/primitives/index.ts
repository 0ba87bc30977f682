import { absPrimitive } from "./abs.ts";
import { addPrimitive } from "./add.ts";
import { argmaxPrimitive } from "./argmax.ts";
import { broadcastPrimitive } from "./broadcast.ts";
import { castPrimitive } from "./cast.ts";
import { concatenatePrimitive } from "./concatenate.ts";
import { cosPrimitive } from "./cos.ts";
import { cumulativeSumPrimitive } from "./cumulative-sum.ts";
import { dividePrimitive } from "./divide.ts";
import { equalPrimitive } from "./equal.ts";
import { erfPrimitive } from "./erf.ts";
import { expPrimitive } from "./exp.ts";
import { floorPrimitive } from "./floor.ts";
import { gatherPrimitive } from "./gather.ts";
import { lessPrimitive } from "./less.ts";
import { lessEqualPrimitive } from "./less-equal.ts";
import { logPrimitive } from "./log.ts";
import { matmulPrimitive } from "./matmul.ts";
import { maxPrimitive } from "./max.ts";
import { maximumPrimitive } from "./maximum.ts";
import { minPrimitive } from "./min.ts";
import { minimumPrimitive } from "./minimum.ts";
import { multiplyPrimitive } from "./multiply.ts";
import { negatePrimitive } from "./negate.ts";
import { normalPrimitive } from "./normal.ts";
import { padPrimitive } from "./pad.ts";
import { permutePrimitive } from "./permute.ts";
import { powerPrimitive } from "./power.ts";
import { reciprocalPrimitive } from "./reciprocal.ts";
import { reshapePrimitive } from "./reshape.ts";
import { rsqrtPrimitive } from "./rsqrt.ts";
import { scatterAddPrimitive } from "./scatter-add.ts";
import { selectPrimitive } from "./select.ts";
import { signPrimitive } from "./sign.ts";
import { sinPrimitive } from "./sin.ts";
import { slicePrimitive } from "./slice.ts";
import { splitPrimitive } from "./split.ts";
import { sqrtPrimitive } from "./sqrt.ts";
import { subtractPrimitive } from "./subtract.ts";
import { sumPrimitive } from "./sum.ts";
import { tanhPrimitive } from "./tanh.ts";
import { topKPrimitive } from "./top-k.ts";
import { uniformPrimitive } from "./uniform.ts";

/** Every primitive by name. The conformance suite has a row for each. */
export const primitives = {
  abs: absPrimitive,
  add: addPrimitive,
  argmax: argmaxPrimitive,
  broadcast: broadcastPrimitive,
  cast: castPrimitive,
  concatenate: concatenatePrimitive,
  cos: cosPrimitive,
  cumulativeSum: cumulativeSumPrimitive,
  divide: dividePrimitive,
  equal: equalPrimitive,
  erf: erfPrimitive,
  exp: expPrimitive,
  floor: floorPrimitive,
  gather: gatherPrimitive,
  less: lessPrimitive,
  lessEqual: lessEqualPrimitive,
  log: logPrimitive,
  matmul: matmulPrimitive,
  max: maxPrimitive,
  maximum: maximumPrimitive,
  min: minPrimitive,
  minimum: minimumPrimitive,
  multiply: multiplyPrimitive,
  negate: negatePrimitive,
  normal: normalPrimitive,
  pad: padPrimitive,
  permute: permutePrimitive,
  power: powerPrimitive,
  reciprocal: reciprocalPrimitive,
  reshape: reshapePrimitive,
  rsqrt: rsqrtPrimitive,
  scatterAdd: scatterAddPrimitive,
  select: selectPrimitive,
  sign: signPrimitive,
  sin: sinPrimitive,
  slice: slicePrimitive,
  split: splitPrimitive,
  sqrt: sqrtPrimitive,
  subtract: subtractPrimitive,
  sum: sumPrimitive,
  tanh: tanhPrimitive,
  topK: topKPrimitive,
  uniform: uniformPrimitive,
} as const;

export type PrimitiveName = keyof typeof primitives;
