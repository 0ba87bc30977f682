/** `npm start`: trains a small GPT for about two minutes on a text made here, or `npm start -- my.txt` on the user's. */
import { processStreams } from "./process-streams.ts";
import { programName } from "./program-name.ts";
import { startMain } from "./start-main.ts";

process.exitCode = await startMain(process.argv.slice(2), processStreams(), {
  cwd: process.cwd(),
  program: programName(process.env),
});
