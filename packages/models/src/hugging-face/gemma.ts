import { llamaLike } from "./llama-family.ts";

/**
 * Gemma 1: Llama with embeddings times sqrt(dModel), norms whose files hold gains less 1, heads of their own width, a gelu gate
 * and a tied head.
 *
 * The factor of the embeddings is that of a float32 model: one that Python runs in bfloat16 rounds it, to 55.5 for the 7B.
 * The gate is what `hidden_act` says, as today. From 4.39 to 4.47 transformers took `hidden_activation`, or gelu_pytorch_tanh
 * without it, whatever `hidden_act` said: where a file has both and they differ, it is refused.
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
    const activation = read.get("hidden_act") ?? "gelu_pytorch_tanh";
    const other = read.get("hidden_activation") ?? activation;
    if (other !== activation)
      read.refuse("hidden_activation", `what hidden_act says, ${JSON.stringify(activation)}`, other);
    return { gainsLessOne: true, scaleEmbedding: true, attentionBias: read.boolean("attention_bias", false) };
  },
  write: ({ activation = "silu", attentionBias = false }) => ({
    attention_bias: attentionBias,
    hidden_activation: activation,
    // Absent, it would mean token 0.
    pad_token_id: null,
  }),
});
