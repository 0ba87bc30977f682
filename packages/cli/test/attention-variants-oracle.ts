/** x_transformers.Attention in plain loops over numbers, for the tests of its runner. */

/** Row-major numbers. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export interface Call {
  readonly call: Readonly<Record<string, unknown>>;
  readonly weights: Readonly<Record<string, Numbers>>;
  readonly inputs: Readonly<Record<string, Numbers>>;
}

type Matrix = number[][];

const lowest = -Number.MAX_VALUE;
const range = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Row `at` of an array seen as a matrix: all leading axes are rows. */
function row({ shape, values }: Numbers, ...at: number[]): number[] {
  const place = at.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
  const size = shape.slice(at.length).reduce((product, x) => product * x, 1);
  return values.slice(place * size, (place + 1) * size);
}

function softmax(scores: readonly number[]): number[] {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((power) => power / total);
}

/** Runs of channels, each divided by its length. */
function normalized(x: readonly number[], numGroups: number, gain?: readonly number[]): number[] {
  const size = x.length / numGroups;
  return x.map((value, i) => {
    const start = Math.floor(i / size) * size;
    return (value / Math.hypot(...x.slice(start, start + size))) * (gain?.[i] ?? 1);
  });
}

/** Queries [H][T], keys and values [H][S] of one row of the batch, memories first; and how many memories there are. */
function vectors({ call, weights, inputs }: Call, b: number) {
  const H = Number(call["heads"]);
  const G = call["one_kv_head"] ? 1 : Number(call["kv_heads"] ?? H);
  const rowsOf = (name: string): Matrix =>
    inputs[name] ? range(inputs[name].shape[1]!).map((i) => row(inputs[name]!, b, i)) : [];
  const source = [...rowsOf("mem"), ...rowsOf(inputs["context"] ? "context" : "x")];
  const project = (name: string, rows: Matrix, head: number, numHeads: number): Matrix => {
    const weight = weights[`${name}.weight`]!;
    const size = weight.shape[0]! / numHeads;
    return rows.map((x) => range(size).map((d) => dot(row(weight, head * size + d), x)));
  };
  const numGroups = Number(call["qk_norm_groups"] ?? 1);
  const norm = (x: number[], gains: string, h: number, groups = numGroups): number[] =>
    call["qk_norm"] ? normalized(x, groups, weights[gains] && row(weights[gains], h)) : x;
  const zeros = (width: number): Matrix => (call["add_zero_kv"] ? [new Array<number>(width).fill(0)] : []);
  const heads = range(H).map((h) => {
    const g = h % G;
    const values = project(call["shared_kv"] ? "to_k" : "to_v", source, g, G);
    const learned = (name: string): Matrix =>
      weights[name] ? range(weights[name].shape[1]!).map((m) => row(weights[name]!, g, m)) : [];
    const memory = learned("mem_k").map((x) => norm(x, "qk_norm_k_scale", h, 1));
    const keys = project("to_k", source, g, G).map((x) => norm(x, "qk_norm_k_scale", h));
    return {
      q: project("to_q", rowsOf("x"), h, H).map((x) => norm(x, "qk_norm_q_scale", h)),
      k: [...zeros(keys[0]!.length), ...memory, ...keys],
      v: [...zeros(values[0]!.length), ...learned("mem_v"), ...values],
      role: call["tensor_product"] ? project("to_r", rowsOf("x"), g, G) : undefined,
    };
  });
  return { heads, numMemories: heads[0]!.k.length - source.length, x: rowsOf("x") };
}

/** Whether query t of head h sees key s of the sequence. */
function sees({ call, inputs }: Call, [b, h, t, s]: readonly [number, number, number, number], S: number): boolean {
  const T = inputs["x"]!.shape[1]!;
  const M = inputs["mem"]?.shape[1] ?? 0;
  const back = t + S - T - s;
  if (call["causal"] && back < 0) return false;
  if (call["max_attend_past"] !== undefined && back > Number(call["max_attend_past"])) return false;
  const table = inputs["attn_mask"];
  if (table) {
    const at = [b, h, t, s].slice(4 - table.shape.length).map((i, axis) => (table.shape[axis] === 1 ? 0 : i));
    if (row(table, ...at)[0] === 0) return false;
  }
  if (inputs["context_mask"]) return row(inputs["context_mask"], b, s)[0] !== 0;
  if (inputs["context"]) return true;
  const [kept, place] = s < M ? [inputs["mem_mask"], s] : [inputs["mask"], s - M];
  return !kept || row(kept, b, place)[0] !== 0;
}

const mixed = (heads: Matrix[], weight: Numbers | undefined): Matrix[] =>
  weight
    ? heads.map((head, h) =>
        head.map((line, t) =>
          line.map((_, s) => heads.reduce((sum, from, g) => sum + row(weight, h, g)[0]! * from[t]![s]!, 0)),
        ),
      )
    : heads;

/** [B, T, E] of the layer and [B, H, T, S] of its softmax. */
export function attentionOracle(given: Call): { output: number[]; attention: number[] } {
  const { call, weights, inputs } = given;
  const [output, attention]: [number[], number[]] = [[], []];
  for (const b of range(inputs["x"]!.shape[0]!)) {
    const { heads, numMemories, x } = vectors(given, b);
    const S = heads[0]!.k.length - numMemories;
    const scale = call["qk_norm"] ? Number(call["qk_norm_scale"] ?? 10) : 1 / Math.sqrt(heads[0]!.k[0]!.length);
    const alike = (q: number[], k: number[]): number =>
      call["l2_distance"] ? -q.reduce((sum, value, d) => sum + (value - k[d]!) ** 2, 0) : dot(q, k);
    const products = heads.map(({ q, k }, h) =>
      q.map((query, t) =>
        k.map(
          (key, j) => alike(query, key) * scale + (inputs["prev_attn"] ? row(inputs["prev_attn"], b, h, t, j)[0]! : 0),
        ),
      ),
    );
    const cap = call["softclamp_logits"] ? Number(call["logit_softclamp_value"] ?? 50) : undefined;
    const scores = mixed(products, weights["attend.pre_softmax_talking_heads.weight"]).map((head) =>
      head.map((line) => line.map((score) => (cap === undefined ? score : cap * Math.tanh(score / cap)))),
    );
    const probs = scores.map((head, h) =>
      head.map((line, t) => {
        const k = Number(call["sparse_topk"] ?? line.length);
        const best = [...line].sort((a, c) => c - a)[k - 1]!;
        const hidden = line.map(
          (score, j) =>
            (k < line.length && score >= best) || (j >= numMemories && !sees(given, [b, h, t, j - numMemories], S)),
        );
        return softmax(line.map((score, j) => (hidden[j] ? lowest : score)));
      }),
    );
    attention.push(...probs.flat(2));
    const weighed = mixed(probs, weights["attend.post_softmax_talking_heads.weight"]);
    for (const t of range(x.length)) {
      const joined = heads.flatMap(({ v, role }, h) => {
        const one = v[0]!.map((_, d) => v.reduce((sum, value, j) => sum + weighed[h]![t]![j]! * value[d]!, 0));
        const bound = role ? one.map((value, d) => value * role[t]![d]! + value) : one;
        const weight = weights["head_scale_params"]?.values[h] ?? 1;
        const gate = weights["to_v_head_gate.weight"];
        const open = gate ? sigmoid(dot(row(gate, h), x[t]!) + weights["to_v_head_gate.bias"]!.values[h]!) : 1;
        return bound.map((value) => value * weight * open);
      });
      const gate = weights["to_v_gate.weight"];
      const gatedValues = joined.map((value, i) => {
        if (!gate) return value;
        const r = dot(row(gate, i), x[t]!) + weights["to_v_gate.bias"]!.values[i]!;
        return value * sigmoid(r) * (call["swiglu_values"] ? r : 1);
      });
      const last = weights[call["on_attn"] ? "to_out.0.weight" : "to_out.weight"]!;
      const y = range(last.shape[0]!).map((o) => dot(row(last, o), gatedValues));
      const half = y.length / 2;
      const z = call["on_attn"] ? y.slice(0, half).map((value, e) => value * sigmoid(y[half + e]!)) : y;
      const isToken = !inputs["mask"] || row(inputs["mask"], b, t)[0] !== 0;
      output.push(...z.map((value) => (isToken ? value : 0)));
    }
  }
  return { output, attention };
}
