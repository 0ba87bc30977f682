export { exitCodes } from "./errors.ts";
export type { Streams } from "./output.ts";
export { main } from "./program.ts";
