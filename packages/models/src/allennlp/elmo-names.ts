import {
  add,
  concatenate,
  fromArray,
  negate,
  permute,
  reshape,
  slice,
  split,
  subtract,
  type Tensor,
  zeros,
} from "@heed/tensor";
import type { ElmoConfig } from "../elmo.ts";

/** How weights of an ELMo are named and laid out in a file: as AllenNLP's module does, or as the published files do. */
export type ElmoNaming = "allennlp" | "published";

/** Weights that stand for each other. `read` and `write` are each other's inverse. */
export interface ElmoRow {
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  read(theirs: readonly Tensor[]): readonly Tensor[];
  write(ours: readonly Tensor[]): readonly Tensor[];
}

const one = (
  ours: string,
  theirs: string,
  read: (x: Tensor) => Tensor = (x) => x,
  write: (x: Tensor) => Tensor = (x) => x,
): ElmoRow => ({
  ours: [ours],
  theirs: [theirs],
  read: ([x]) => [read(x!)],
  write: ([x]) => [write(x!)],
});

const turn = (x: Tensor): Tensor => permute(x, [1, 0]);
const turned = (ours: string, theirs: string): ElmoRow => one(ours, theirs, turn, turn);

/** Equal parts of the first axis. */
const parts = (x: Tensor, count: number): Tensor[] =>
  split(x, new Array<number>(count).fill(x.shape[0]! / count), { axis: 0 });

/** Several of ours, one under the other in one of theirs. */
const stacked = (ours: readonly string[], theirs: string): ElmoRow => ({
  ours,
  theirs: [theirs],
  read: ([x]) => parts(x!, ours.length),
  write: (all) => [concatenate(all, { axis: 0 })],
});

const layersOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The module of AllenNLP: gates input, forget, memory, output as ours; the forget bias is whole. */
function allenNlpRows(config: ElmoConfig): ElmoRow[] {
  const { filters, numHighways, numLayers, numRepresentations = 1 } = config;
  const words = "_elmo_lstm._token_embedder.";
  return [
    one("characters.weight", `${words}_char_embedding_weights`),
    ...layersOf(filters.length).flatMap((i) =>
      ["weight", "bias"].map((kind) => one(`words.convolutions.${i}.${kind}`, `${words}char_conv_${i}.${kind}`)),
    ),
    ...layersOf(numHighways).flatMap((k) =>
      ["weight", "bias"].map((kind) =>
        stacked(
          [`highways.${k}.transform.${kind}`, `highways.${k}.gate.${kind}`],
          `${words}_highways._layers.${k}.${kind}`,
        ),
      ),
    ),
    ...["weight", "bias"].map((kind) => one(`projection.${kind}`, `${words}_projection.${kind}`)),
    ...["forward", "backward"].flatMap((direction) =>
      layersOf(numLayers).flatMap((layer) => {
        const [ours, theirs] = [`${direction}Cells.${layer}`, `_elmo_lstm._elmo_lstm.${direction}_layer_${layer}`];
        return [
          one(`${ours}.input.weight`, `${theirs}.input_linearity.weight`),
          one(`${ours}.recurrent.weight`, `${theirs}.state_linearity.weight`),
          one(`${ours}.recurrent.bias`, `${theirs}.state_linearity.bias`),
          one(`${ours}.projection.weight`, `${theirs}.state_projection.weight`),
        ];
      }),
    ),
    ...layersOf(numRepresentations).flatMap((k) => [
      {
        ours: [`mixes.${k}.weights`],
        theirs: layersOf(numLayers + 1).map((i) => `scalar_mix_${k}.scalar_parameters.${i}`),
        read: (all: readonly Tensor[]) => [concatenate(all, { axis: 0 })],
        write: ([x]: readonly Tensor[]) => parts(x!, numLayers + 1),
      },
      one(`mixes.${k}.scale`, `scalar_mix_${k}.gamma`),
    ]),
  ];
}

/** Rows of a matrix or a bias, its second and third quarter changed for each other: gates i, g, f, o are gates i, f, g, o. */
function swapGates(x: Tensor): Tensor {
  const [i, second, third, o] = parts(x, 4) as [Tensor, Tensor, Tensor, Tensor];
  return concatenate([i, third, second, o], { axis: 0 });
}

/** 1 at the forget gate of gates i, f, g, o, which the published files leave to the program. */
function forgetOnes({ shape, backend, dtype }: Tensor): Tensor {
  const N = shape[0]! / 4;
  return fromArray(
    Float32Array.from({ length: 4 * N }, (_, i) => Number(i >= N && i < 2 * N)),
    [4 * N],
    { dtype, backend },
  );
}

/** A cell: inputs on the left, both inputs in one matrix, gates input, memory, forget, output. */
function publishedCell(ours: string, theirs: string, dInput: number): ElmoRow[] {
  return [
    {
      ours: [`${ours}.input.weight`, `${ours}.recurrent.weight`],
      theirs: [`${theirs}W_0`],
      read: ([x]) => split(swapGates(turn(x!)), [dInput, x!.shape[0]! - dInput], { axis: 1 }),
      write: (both) => [turn(swapGates(concatenate(both, { axis: 1 })))],
    },
    one(
      `${ours}.recurrent.bias`,
      `${theirs}B`,
      (x) => add(swapGates(x), forgetOnes(x)),
      (x) => swapGates(subtract(x, forgetOnes(x))),
    ),
    turned(`${ours}.projection.weight`, `${theirs}W_P_0`),
  ];
}

/** The published files: inputs on the left, a highway's gate lets the new in, no row for the padding of words. */
function publishedRows({ filters, numHighways, numLayers, dModel }: ElmoConfig): ElmoRow[] {
  const flip = (x: Tensor): Tensor => negate(x);
  return [
    one(
      "characters.weight",
      "char_embed",
      (x) => concatenate([zeros([1, x.shape[1]!], { dtype: x.dtype, backend: x.backend }), x], { axis: 0 }),
      (x) => slice(x, [1, 0], [x.shape[0]! - 1, x.shape[1]!]),
    ),
    ...layersOf(filters.length).flatMap((i) => [
      one(
        `words.convolutions.${i}.weight`,
        `CNN/W_cnn_${i}`,
        (x) => permute(reshape(x, x.shape.slice(1)), [2, 1, 0]),
        (x) => reshape(permute(x, [2, 1, 0]), [1, ...[...x.shape].reverse()]),
      ),
      one(`words.convolutions.${i}.bias`, `CNN/b_cnn_${i}`),
    ]),
    ...layersOf(numHighways).flatMap((k) => [
      turned(`highways.${k}.transform.weight`, `CNN_high_${k}/W_transform`),
      one(`highways.${k}.transform.bias`, `CNN_high_${k}/b_transform`),
      one(
        `highways.${k}.gate.weight`,
        `CNN_high_${k}/W_carry`,
        (x) => flip(turn(x)),
        (x) => flip(turn(x)),
      ),
      one(`highways.${k}.gate.bias`, `CNN_high_${k}/b_carry`, flip, flip),
    ]),
    turned("projection.weight", "CNN_proj/W_proj"),
    one("projection.bias", "CNN_proj/b_proj"),
    ...["forward", "backward"].flatMap((direction, j) =>
      layersOf(numLayers).flatMap((layer) =>
        publishedCell(`${direction}Cells.${layer}`, `RNN_${j}/RNN/MultiRNNCell/Cell${layer}/LSTMCell/`, dModel),
      ),
    ),
  ];
}

/** Which weights stand for which. The published files have no mixtures. */
export const elmoRows = (config: ElmoConfig, naming: ElmoNaming): ElmoRow[] =>
  naming === "allennlp" ? allenNlpRows(config) : publishedRows(config);
