export { LearnedPositions, learned } from "./learned.ts";
export type { PositionEncoding, VectorOptions } from "./position-encoding.ts";
export type { SinusoidalOptions, SinusoidalPositions } from "./sinusoidal.ts";
export { sinusoidal } from "./sinusoidal.ts";
