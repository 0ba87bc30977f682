import { liveStorage, Tensor } from "./tensor.ts";

/** The same values, sharing memory, through which no gradient flows. */
export function detach(x: Tensor): Tensor {
  return new Tensor(liveStorage(x, "detach").retain(), x.shape, x.dtype);
}
