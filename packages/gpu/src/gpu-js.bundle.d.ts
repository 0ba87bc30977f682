/** What the build makes of gpu.js; `gpu-js.ts` says what is in it. */
declare const library: unknown;
export default library;
