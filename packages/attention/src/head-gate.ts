import type { Tensor } from "@heed/tensor";

/** The slot of a multi-head layer between its heads and its output: it changes how much of what the heads give comes through. */
export interface HeadGate {
  /** Shapes: x [B, T, E], heads [B, T, H, Dv] -> [B, T, H, Dv]. */
  forward(x: Tensor, heads: Tensor): Tensor;
  /** The gate of only these of `numHeads` heads. */
  keepHeads(heads: readonly number[], numHeads: number): HeadGate;
}

/**
 * Several gates, one after another.
 *
 * Shapes: as the gates.
 * @see x_transformers.Attention, where roles, weights of heads and gates of tokens may follow each other.
 * @example
 * const gate = new GateSequence([new HeadScale({ scale: ones([2]) }), new HeadScale({ scale: ones([2]) })]);
 */
export class GateSequence implements HeadGate {
  readonly gates: readonly HeadGate[];

  constructor(gates: readonly HeadGate[]) {
    this.gates = gates;
  }

  forward(x: Tensor, heads: Tensor): Tensor {
    return this.gates.reduce((through, gate) => gate.forward(x, through), heads);
  }

  keepHeads(heads: readonly number[], numHeads: number): GateSequence {
    return new GateSequence(this.gates.map((gate) => gate.keepHeads(heads, numHeads)));
  }
}
