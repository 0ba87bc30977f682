import { reasonOf } from "./errors.ts";
import type { FileStore, OpenSource } from "./file-store.ts";
import { memorySource } from "./source.ts";
import { concatBytes } from "./text.ts";

/** The part of a `Response` that is read. */
export interface FetchedResponse {
  readonly ok: boolean;
  readonly status: number;
  /** where the answer came from, after redirects; "" where it is not known */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> };
  } | null;
}

/** A function like the global `fetch`. */
export type FetchFn = (url: string, init: { readonly headers: Record<string, string> }) => Promise<FetchedResponse>;

/** Options of {@link urlFileStore}. */
export interface UrlFileStoreOptions {
  /** address of the folder, http: or https: */
  readonly base: string;
  /** the global `fetch`, or one that adds what a server wants */
  readonly fetch: FetchFn;
  /** sent with every request, such as an authorization */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One file on a server, as its first answer described it. */
interface Remote {
  readonly url: string;
  readonly size: number;
  readonly etag: string | null;
  /** the whole file, where the server does not serve parts */
  readonly whole: Uint8Array | undefined;
}

/**
 * A folder on a web server as a file store that can only be read: for `loadPretrained` and `openWeights`.
 *
 * Files are read in parts by range requests, so that a large one is never held whole; a server that does not serve parts
 * has each file read once, whole. What arrives must be exactly as long as announced. A redirect may change host and
 * path, not the scheme. Folders cannot be listed: `list` gives none.
 *
 * @throws RangeError if base is no http: or https: address
 * @see Fielding et al. 2022, RFC 9110, HTTP Semantics, section 14 (range requests).
 * @example
 * const store = urlFileStore({ base: "https://example.org/models/gpt2/", fetch });
 */
export function urlFileStore({ base, fetch, headers = {} }: UrlFileStoreOptions): FileStore {
  const { folder, scheme } = parseBase(base);
  const remotes = new Map<string, Promise<Remote | null>>();
  const request = async (path: string, range: string): Promise<FetchedResponse> => {
    const url = folder + encodePath(path);
    let response: FetchedResponse;
    try {
      response = await fetch(url, { headers: { ...headers, range } });
    } catch (error) {
      throw new Error(`${url} could not be fetched: ${reasonOf(error)}`, { cause: error });
    }
    const { url: from } = response;
    if (from !== "" && !from.startsWith(scheme))
      throw new Error(`${url} redirects to ${from}, expected an address that starts with ${scheme}`);
    if (!response.ok && response.status !== 404 && response.status !== 410 && response.status !== 416)
      throw new Error(`${url} was answered with status ${response.status}, expected 200 or 206`);
    return response;
  };
  const look = (path: string): Promise<Remote | null> => {
    const known = remotes.get(path);
    if (known) return known;
    const found = describe(request, folder, path);
    remotes.set(path, found);
    found.catch(() => remotes.delete(path));
    return found;
  };
  const open = async (path: string): Promise<OpenSource> => {
    const remote = await look(path);
    if (!remote) throw new Error(`no such file: ${folder}${path}`);
    const close = async (): Promise<void> => undefined;
    if (remote.whole) return { ...memorySource(remote.whole), close };
    return { size: remote.size, read: (offset, length) => readPart(request, path, remote, offset, length), close };
  };
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`${folder} is a web address, expected a store that can be written`));
  return {
    size: async (path) => (await look(path))?.size ?? null,
    open,
    read: async (path) => {
      const source = await open(path);
      return source.read(0, source.size);
    },
    list: async () => [],
    ...{ write: refuse, sync: refuse, rename: refuse, makeFolder: refuse, remove: refuse },
  };
}

type Request = (path: string, range: string) => Promise<FetchedResponse>;

const addressPattern = /^(https?:)\/\/[^/?#\s]+(\/[^?#\s]*)?$/;

function parseBase(base: string): { folder: string; scheme: string } {
  const found = addressPattern.exec(base);
  if (!found)
    throw new RangeError(
      `urlFileStore: base is wrong, expected an http: or https: address without query, got ${JSON.stringify(base)}`,
    );
  return { folder: base.endsWith("/") ? base : `${base}/`, scheme: found[1]! };
}

/** A path below the folder, and nothing else: no step upward, no other address. */
function encodePath(path: string): string {
  const parts = path.split("/");
  const isPlain = parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\\p{Cc}]/u.test(part));
  if (!isPlain) throw new Error(`path ${JSON.stringify(path)} leaves the folder, expected names separated by "/"`);
  return parts.map(encodeURIComponent).join("/");
}

/** Asks for the first byte, and so learns the size and whether there are parts at all. */
async function describe(request: Request, folder: string, path: string): Promise<Remote | null> {
  const url = folder + path;
  const response = await request(path, "bytes=0-0");
  const { status, headers } = response;
  const etag = headers.get("etag");
  if (status === 404 || status === 410) {
    await drop(response);
    return null;
  }
  if (status === 416) {
    await drop(response);
    return { url, size: 0, etag, whole: new Uint8Array() };
  }
  if (status === 206) {
    const { total } = contentRange(response, url);
    await readBody(response, url, 1);
    return { url, size: total, etag, whole: undefined };
  }
  const whole = await readBody(response, url, declaredLength(response));
  return { url, size: whole.length, etag, whole };
}

async function readPart(
  request: Request,
  path: string,
  { url, size, etag }: Remote,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  const response = await request(path, `bytes=${offset}-${offset + length - 1}`);
  if (response.status !== 206)
    throw new Error(`${url} was answered with status ${response.status}, expected 206 (a part), as before`);
  const { first, last, total } = contentRange(response, url);
  if (total !== size || response.headers.get("etag") !== etag)
    throw new Error(`${url} changed while it was read, expected ${size} bytes as before, got ${total}`);
  if (first !== offset || last !== offset + length - 1)
    throw new Error(`${url} sent bytes ${first} to ${last}, expected ${offset} to ${offset + length - 1}`);
  return readBody(response, url, length);
}

function contentRange(response: FetchedResponse, url: string): { first: number; last: number; total: number } {
  const text = response.headers.get("content-range") ?? "";
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text);
  if (!found) throw new Error(`${url} sent a wrong content-range, expected "bytes FIRST-LAST/TOTAL", got "${text}"`);
  return { first: Number(found[1]), last: Number(found[2]), total: Number(found[3]) };
}

/** Bytes of the body as the server announced them; undefined where it did not, or where they are packed. */
function declaredLength({ headers }: FetchedResponse): number | undefined {
  const text = headers.get("content-length");
  const packed = headers.get("content-encoding");
  return text === null || (packed !== null && packed !== "identity") ? undefined : Number(text);
}

/** Reads a body of the length that was announced, never more. */
async function readBody(response: FetchedResponse, url: string, expected: number | undefined): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read().catch((error: unknown) => {
      throw new Error(`${url} stopped after ${length} bytes: ${reasonOf(error)}`, { cause: error });
    })) ?? { done: true };
    if (done || !value) break;
    length += value.length;
    if (expected !== undefined && length > expected) {
      await reader!.cancel().catch(() => undefined);
      throw new Error(`${url} sent more than announced, expected ${expected} bytes, got at least ${length}`);
    }
    chunks.push(value);
  }
  if (expected !== undefined && length < expected)
    throw new Error(`${url} stopped early, expected ${expected} bytes, got ${length}`);
  return concatBytes(chunks);
}

async function drop({ body }: FetchedResponse): Promise<void> {
  await body
    ?.getReader()
    .cancel()
    .catch(() => undefined);
}
