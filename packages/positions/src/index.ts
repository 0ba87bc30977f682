export { LearnedPositions, learned } from "./learned.ts";
export type { PositionEncoding } from "./position-encoding.ts";
export type { SinusoidalOptions } from "./sinusoidal.ts";
export { sinusoidal } from "./sinusoidal.ts";
