import type { Tensor } from "@heed/tensor";

/** What a recurrent cell remembers: `h` is also its output; an LSTM has `c` beside it. */
export interface RecurrentState {
  /** [B, dOut] */
  readonly h: Tensor;
  /** [B, dState] */
  readonly c?: Tensor | undefined;
}

/** One step of a recurrent layer. */
export interface RecurrentCell {
  readonly dOut: number;
  /** Zeros for a batch like x. */
  start(x: Tensor, batch: number): RecurrentState;
  /** What inputs add to the gates, for all steps at once. Shapes: x [B, T, dIn] -> [B, T, gates]. */
  project(x: Tensor): Tensor;
  /** Shapes: projected [B, gates]. */
  step(projected: Tensor, state: RecurrentState): RecurrentState;
}
