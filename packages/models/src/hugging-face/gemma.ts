import { activationNames } from "../activations.ts";
import { llamaLike } from "./llama-family.ts";

/**
 * Gemma 1: Llama with embeddings times sqrt(dModel), norms whose files hold gains less 1, heads of their own width, a gelu gate
 * and a tied head.
 *
 * The factor of the embeddings is that of a float32 model: one that Python runs in bfloat16 rounds it, to 55.5 for the 7B.
 * The published files say `hidden_act: "gelu"`, but were trained with its tanh form, which transformers 4.39 to 4.47 compute
 * whatever `hidden_act` says, unless `hidden_activation` does. So here, though transformers 5 reads the exact form; of
 * other names, the two keys must not differ.
 *
 * @see Hugging Face transformers: models/gemma/configuration_gemma.py and modeling_gemma.py; its pull request 29402.
 */
export const gemmaFamily = llamaLike({
  ...{ modelType: "gemma", className: "Gemma" },
  absent: {
    ...{ vocabSize: 256000, maxSeqLen: 8192, dModel: 3072, dFF: 24576, numLayers: 28, numHeads: 16, numKvHeads: 16 },
    ...{ dHead: 256, activation: "gelu_pytorch_tanh", tieHead: true, padTokenId: 0 },
  },
  read(read) {
    read.only("use_bidirectional_attention", null, false);
    const old = read.choice("hidden_act", activationNames, "gelu_pytorch_tanh");
    const meant = old === "gelu" ? "gelu_pytorch_tanh" : old;
    const isNamed = read.get("hidden_activation") !== null;
    const activation = isNamed ? read.choice("hidden_activation", activationNames, meant) : meant;
    if (old !== "gelu" && activation !== old)
      read.refuse("hidden_activation", `what hidden_act says, ${JSON.stringify(old)}`, activation);
    return {
      activation,
      ...{ gainsLessOne: true, scaleEmbedding: true, attentionBias: read.boolean("attention_bias", false) },
    };
  },
  write: ({ activation = "silu", attentionBias = false }) => ({
    attention_bias: attentionBias,
    hidden_activation: activation,
    // Absent, it would mean token 0.
    pad_token_id: null,
  }),
});
