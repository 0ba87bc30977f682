#!/usr/bin/env node
import { main } from "./program.ts";

// npm runs scripts in the package's folder and says in INIT_CWD where the user is.
process.exitCode = await main(process.argv.slice(2), process, process.env["INIT_CWD"] ?? process.cwd());
