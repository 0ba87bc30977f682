/** Where a page trains. */
export type PageBackend = "wasm" | "webgpu" | "webgl2";

/** What a run in the page is made of: the settings of `npm start` that matter here. */
export interface PageSettings {
  readonly backend: PageBackend;
  /** threads of the WebAssembly backend; undefined: what the machine has */
  readonly threads?: number;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  /** tokens */
  readonly context: number;
  /** sequences in a batch */
  readonly batch: number;
  /** updates */
  readonly steps: number;
  /** peak learning rate */
  readonly lr: number;
  readonly seed: number;
  /** updates between samples */
  readonly sampleEvery: number;
  /** characters of a sample */
  readonly sampleLength: number;
  /** updates between snapshots, from which a run goes on when its device is lost */
  readonly saveEvery: number;
}

/** From the page to its worker. */
export type Request = { readonly type: "start"; readonly settings: PageSettings } | { readonly type: "stop" };

/** From the worker to its page. */
export type Answer =
  /** can be asked to start */
  | { readonly type: "idle" }
  /** training begins; where, with how many parameters */
  | {
      readonly type: "started";
      readonly backend: string;
      readonly details: Readonly<Record<string, string>>;
      readonly parameters: number;
    }
  /** an update is made; live tensors of the backend and their bytes after it */
  | {
      readonly type: "step";
      readonly step: number;
      readonly loss: number;
      readonly buffers: number;
      readonly bytes: number;
    }
  | { readonly type: "sample"; readonly step: number; readonly text: string }
  /** the device is gone; training goes on from a snapshot, on a new one */
  | { readonly type: "lost"; readonly name: string; readonly message: string; readonly from: number }
  /** finished, or stopped */
  | {
      readonly type: "ended";
      readonly step: number;
      readonly details: Readonly<Record<string, string>>;
      /** live tensors when all was freed */
      readonly buffers: number;
    }
  | { readonly type: "failed"; readonly name: string; readonly message: string };
