/** node --conditions=@heed/source tooling/browser-tests/src/serve-training-page.ts: the training page, to be looked at, until Ctrl-C. */
import { npmStart } from "./npm-start.ts";
import { isolation, serve } from "./server.ts";
import { threadsPolicy, trainingPageFiles } from "./training-page.ts";

const { text } = npmStart({ layers: 1, heads: 1, width: 8, context: 8, batch: 1, steps: 1 });
const { files } = await trainingPageFiles();
const { address } = await serve({
  files: new Map([...files, ["/text.txt", { type: "text/plain; charset=utf-8", body: text }]]),
  headers: { "content-security-policy": threadsPolicy, ...isolation },
});
console.log(`${address}/`);
