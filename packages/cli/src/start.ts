/** `npm start`: trains a small GPT for about two minutes on a text made here, or `npm start -- my.txt` on the user's. */
import { startMain } from "./start-main.ts";

process.exitCode = await startMain(process.argv.slice(2), process, process.env["INIT_CWD"] ?? process.cwd());
