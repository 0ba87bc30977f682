import { broadcast, type DType, full, normal, type Rng, type Shape, type Tensor, uniform } from "@heed/tensor";

/** Makes the first values of one weight of a layer. */
export type Initializer = (shape: Shape) => Tensor;

/** Options of every initializer. */
export interface InitOptions {
  /** float32 or float64; default float32 */
  readonly dtype?: DType;
}

/** Options of initializers that draw. */
export interface RandomInitOptions extends InitOptions {
  /** each weight takes one stream of it, so the order in which layers are made matters */
  readonly rng: Rng;
}

function checkSpread(where: string, argument: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new RangeError(`${where}: ${argument} is out of range, expected a finite number >= 0, got ${value}`);
}

/**
 * Normal draws.
 *
 * @param options.std standard deviation, finite, >= 0
 * @param options.mean default 0
 * @throws RangeError if `std` is negative or not finite
 * @example
 * const layer = createLinear({ dIn: 4, dOut: 8, weight: normalInit({ std: 0.02, rng: rng(0) }), bias: zerosInit() });
 */
export function normalInit({
  std,
  mean = 0,
  rng,
  dtype = "float32",
}: RandomInitOptions & { readonly std: number; readonly mean?: number }): Initializer {
  checkSpread("normalInit", "std", std);
  return (shape) => normal(shape, { rng, mean, std, dtype });
}

/**
 * Uniform draws in [-limit, limit).
 *
 * @throws RangeError if `limit` is negative or not finite
 */
export function uniformInit({
  limit,
  rng,
  dtype = "float32",
}: RandomInitOptions & { readonly limit: number }): Initializer {
  checkSpread("uniformInit", "limit", limit);
  return (shape) => uniform(shape, { rng, low: -limit, high: limit, dtype });
}

/**
 * Uniform draws in ±sqrt(6 / (fan in + fan out)), which keeps the variance of activations and gradients level.
 *
 * Shapes: [fan out, fan in], a linear layer's weight; or [Cout, Cin, ...], a convolution's, where both fans are times the
 * places in a window.
 * @see Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks, equation 16.
 */
export function xavierUniformInit({ rng, dtype = "float32" }: RandomInitOptions): Initializer {
  return (shape) => {
    if (shape.length < 2)
      throw new RangeError(
        `xavierUniformInit: shape has rank ${shape.length}, expected at least 2 axes [fan out, fan in], got [${shape.join(", ")}]`,
      );
    const places = shape.slice(2).reduce((count, size) => count * size, 1);
    return uniformInit({ limit: Math.sqrt(6 / ((shape[0]! + shape[1]!) * places)), rng, dtype })(shape);
  };
}

/** One value everywhere. */
export function constantInit(value: number, { dtype = "float32" }: InitOptions = {}): Initializer {
  return (shape) => {
    const one = full(
      shape.map(() => 1),
      value,
      { dtype },
    );
    const all = broadcast(one, shape); // filled on the backend, without an array of that size on the host
    one.dispose();
    return all;
  };
}

/** Zeros: for biases, and for weights that are about to be loaded. */
export function zerosInit(options: InitOptions = {}): Initializer {
  return constantInit(0, options);
}

/** Ones: for the gains of norms. */
export function onesInit(options: InitOptions = {}): Initializer {
  return constantInit(1, options);
}
