import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { jsonLines, run, sentence, someText, temporaryFolder, tinyModel } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

beforeAll(async () => {
  writeFileSync(join(cwd, "text.txt"), someText(2000));
  const { code, stderr } = await run(cwd, ["train", "text.txt", ...tinyModel, "--steps", "3", "--out", "good"]);
  if (code !== 0) throw new Error(stderr);
});

type Answer = (name: string, request: IncomingMessage, response: ServerResponse) => void;

/** The trained folder, whole or in parts as asked for. */
const files: Answer = (name, { headers }, response) => {
  const known = ["config.json", "model.safetensors", "tokenizer.json"];
  if (!known.includes(name)) return void response.writeHead(404).end("not here");
  const bytes = readFileSync(join(cwd, "good", name));
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  const part = bytes.subarray(Number(first), Number(last) + 1);
  const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { "content-range": range, "content-length": part.length }).end(part);
};

/** Other answers for some files. */
const except =
  (others: Readonly<Record<string, Answer>>): Answer =>
  (name, request, response) =>
    (others[name] ?? files)(name, request, response);

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on this machine; `address` is the folder /models/tiny on it. */
async function serve(answer: Answer): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url!.replace("/models/tiny/", ""));
    asked.push(name);
    answer(name, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => void server.closeAllConnections(),
    () => void server.close(),
  );
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/tiny`, asked };
}

async function last(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(cwd, [...args, "--json"]);
  expect(code, stderr).toBe(0);
  return jsonLines(stdout).at(-1)!;
}

/** What a command says of a folder that is answered so, without the port. */
async function said(answer: Answer, command: string, ...more: string[]): Promise<string> {
  const { address } = await serve(answer);
  const text = sentence(cwd, await run(cwd, [command, address, ...more]));
  return text.replaceAll(/127\.0\.0\.1:\d+/g, "HOST");
}

test("a folder on the web gives what it gives on the disk", async () => {
  const { address, asked } = await serve(files);
  const flags = ["--prompt", "the cat", "--tokens", "12"];
  const { text, tokens } = await last("generate", "good", ...flags);
  expect(tokens).toHaveLength(12);
  for (const folder of [address, `${address}/`])
    expect(await last("generate", folder, ...flags)).toMatchObject({ text, tokens });
  const { seconds: _, ...evaluated } = await last("eval", address, "text.txt");
  const { seconds: __, ...onDisk } = await last("eval", "good", "text.txt");
  expect(evaluated).toEqual(onDisk);
  asked.length = 0;
  expect(await last("inspect", address)).toEqual(await last("inspect", "good"));
  // Without loading its weights.
  expect(new Set(asked)).toEqual(new Set(["config.json"]));
});

test("a web address that holds no model", async () => {
  expect(await said((_, __, response) => void response.writeHead(404).end(), "generate")).toMatchInlineSnapshot(
    `"[3] heed: generate: http://HOST/models/tiny has no config.json, expected the address of a Hugging Face folder. Check the address"`,
  );
  expect(
    await said(except({ "config.json": (_, __, response) => void response.writeHead(500).end() }), "inspect"),
  ).toMatchInlineSnapshot(
    `"[3] heed: inspect: http://HOST/models/tiny/config.json was answered with status 500, expected 200 or 206. Check the address and the connection"`,
  );
  expect(
    await said(except({ "config.json": (_, __, response) => void response.end("<!doctype html>") }), "inspect"),
  ).toMatchInlineSnapshot(
    `"[3] heed: inspect: http://HOST/models/tiny cannot be used: readJsonFile: config.json is not valid JSON: expected a value, got "<" at character 0. Correct the file or save it again."`,
  );
  const absent: Answer = (_, __, response) => void response.writeHead(404).end();
  expect(await said(except({ "model.safetensors": absent }), "generate")).toMatchInlineSnapshot(
    `"[3] heed: generate: http://HOST/models/tiny cannot be used: openWeights: the folder has no weights, expected model.safetensors or model.safetensors.index.json, got an empty or absent folder. Check the path; convert other formats to safetensors first."`,
  );
  expect(await said(except({ "tokenizer.json": absent }), "generate")).toMatchInlineSnapshot(
    `"[3] heed: generate: http://HOST/models/tiny has no tokenizer.json, expected one beside the model. Copy it from where the model was trained"`,
  );
  expect(sentence(cwd, await run(cwd, ["inspect", "https://example.org/a?b=c"]))).toMatchInlineSnapshot(
    `"[3] heed: inspect: https://example.org/a?b=c cannot be used: urlFileStore: base is wrong, expected an http: or https: address without query, got "https://example.org/a?b=c""`,
  );
});

test("a server that cannot be reached", async () => {
  const { address } = await serve(files);
  for (const close of closers.splice(0)) close();
  const commands = [
    ["generate", address],
    ["eval", address, "text.txt"],
    ["inspect", address],
  ];
  const texts = [];
  for (const args of commands) texts.push(sentence(cwd, await run(cwd, args)).replaceAll(/127\.0\.0\.1:\d+/g, "HOST"));
  expect(texts).toMatchInlineSnapshot(`
    [
      "[3] heed: generate: http://HOST/models/tiny/config.json could not be fetched: connect ECONNREFUSED HOST. Check the address and the connection",
      "[3] heed: eval: http://HOST/models/tiny/config.json could not be fetched: connect ECONNREFUSED HOST. Check the address and the connection",
      "[3] heed: inspect: http://HOST/models/tiny/config.json could not be fetched: connect ECONNREFUSED HOST. Check the address and the connection",
    ]
  `);
});

test("a body that is cut off", async () => {
  const cut: Answer = (_, __, response) => {
    response.writeHead(200, { "content-length": 1000 }).write("half", () => response.destroy());
  };
  expect(await said(except({ "config.json": cut }), "inspect")).toMatchInlineSnapshot(
    `"[3] heed: inspect: http://HOST/models/tiny/config.json stopped after 4 bytes: terminated. Check the address and the connection"`,
  );
  expect(await said(except({ "model.safetensors": cut }), "generate")).toMatchInlineSnapshot(
    `"[3] heed: generate: http://HOST/models/tiny/model.safetensors stopped after 4 bytes: terminated. Check the address and the connection"`,
  );
  expect(await said(except({ "tokenizer.json": cut }), "eval", "text.txt")).toMatchInlineSnapshot(
    `"[3] heed: eval: http://HOST/models/tiny/tokenizer.json stopped after 4 bytes: terminated. Check the address and the connection"`,
  );
  // The header arrives, the weights do not.
  let parts = 0;
  const late: Answer = (name, request, response) => {
    if (++parts <= 3) return files(name, request, response);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range!)!;
    const size = readFileSync(join(cwd, "good", name)).length;
    const length = Number(last) - Number(first) + 1;
    response.writeHead(206, { "content-range": `bytes ${first}-${last}/${size}`, "content-length": length });
    response.write("half", () => response.destroy());
  };
  expect(await said(except({ "model.safetensors": late }), "generate")).toMatchInlineSnapshot(
    `"[3] heed: generate: http://HOST/models/tiny/model.safetensors stopped after 4 bytes: terminated. Check the address and the connection"`,
  );
  expect(parts).toBe(4);
});
