import type { Answer } from "./training-page/messages.ts";

/** What a worker's device held when an update was told: live buffers or textures, and the bytes of live buffers. */
export interface DeviceCount {
  readonly step: number;
  readonly objects: number;
  readonly bytes: number;
}

interface HookedScope {
  counted?: DeviceCount[];
  postMessage(message: Answer): void;
}

// The functions below run inside a worker, sent there as text: each stands alone.

/** Counts what the devices of a worker hold, at each update. The counts are found in `counted`. */
export function countDeviceObjects(): void {
  const scope = globalThis as unknown as HookedScope;
  const prototypes = globalThis as unknown as Record<string, { readonly prototype: object } | undefined>;
  const sizes = new Map<object, number>();
  const onCall = (owner: string, method: string, note: (self: object, result: unknown, args: unknown[]) => void) => {
    const methods = prototypes[owner]?.prototype as Record<string, (...args: unknown[]) => unknown> | undefined;
    const original = methods?.[method];
    if (!methods || !original) return;
    methods[method] = function (this: object, ...args: unknown[]) {
      const result = original.apply(this, args);
      note(this, result, args);
      return result;
    };
  };
  onCall("GPUDevice", "createBuffer", (_, buffer, [options]) =>
    sizes.set(buffer as object, (options as { readonly size: number }).size),
  );
  onCall("GPUBuffer", "destroy", (buffer) => sizes.delete(buffer));
  onCall("WebGL2RenderingContext", "createTexture", (_, texture) => sizes.set(texture as object, 0));
  onCall("WebGL2RenderingContext", "deleteTexture", (_, _result, [texture]) => sizes.delete(texture as object));
  scope.counted = [];
  const send = scope.postMessage.bind(scope);
  scope.postMessage = (message) => {
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (message.type === "step") scope.counted!.push({ step: message.step, objects: sizes.size, bytes });
    send(message);
  };
}

/** When a device goes: after an update was told and before the next begins, or at the first read after that, half-way through an update. */
export interface Loss {
  readonly step: number;
  readonly moment: "between updates" | "during a read";
}

/** Takes the device away from a worker, once. */
export function loseDevice({ step, moment }: Loss): void {
  const scope = globalThis as unknown as HookedScope;
  const devices: (() => void)[] = [];
  let [armed, taken] = [false, false];
  const take = (): void => {
    if (taken || !armed) return;
    taken = true;
    for (const lose of devices) lose();
  };
  const onCall = (owner: string, method: string, note: (result: unknown) => void) => {
    const found = (globalThis as unknown as Record<string, { readonly prototype: object } | undefined>)[owner];
    const methods = found?.prototype as Record<string, (...args: unknown[]) => unknown> | undefined;
    const original = methods?.[method];
    if (!methods || !original) return;
    methods[method] = function (this: object, ...args: unknown[]) {
      const result = original.apply(this, args);
      note(result);
      return result;
    };
  };
  onCall("GPUAdapter", "requestDevice", (promise) => {
    (promise as Promise<{ destroy(): void }>).then((device) => devices.push(() => device.destroy()));
  });
  onCall("OffscreenCanvas", "getContext", (context) => {
    const gl = context as WebGL2RenderingContext | null;
    devices.push(() => gl?.getExtension("WEBGL_lose_context")?.loseContext());
  });
  if (moment === "during a read") {
    onCall("GPUBuffer", "mapAsync", take);
    onCall("WebGL2RenderingContext", "readPixels", take);
  }
  const send = scope.postMessage.bind(scope);
  scope.postMessage = (message) => {
    send(message);
    if (message.type !== "step" || message.step !== step) return;
    armed = true;
    if (moment === "between updates") take();
  };
}
