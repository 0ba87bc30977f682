#!/usr/bin/env node
import { processStreams } from "./process-streams.ts";
import { main } from "./program.ts";
import { programName } from "./program-name.ts";

process.exitCode = await main(process.argv.slice(2), processStreams(), {
  cwd: process.cwd(),
  program: programName(process.env),
});
