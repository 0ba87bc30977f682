export { exitCodes } from "./errors.ts";
export type { Streams } from "./output.ts";
export type { MainOptions } from "./program.ts";
export { main } from "./program.ts";
export type { StartDefaults } from "./train/start-defaults.ts";
