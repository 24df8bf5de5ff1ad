package dev.isoflop.lm.cpu;

import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;

/**
 * The model in plain double precision, written for reading: the oracle of every fast path. Forward only; gradients of the fast model are
 * compared with central differences of this one's loss.
 */
final class ReferenceModel {

    private final ModelSpec spec;
    private final ParameterLayout layout;
    final double[] w;

    ReferenceModel(ModelSpec spec, ParameterLayout layout, float[] parameters) {
        this.spec = spec;
        this.layout = layout;
        this.w = new double[parameters.length];
        for (int i = 0; i < w.length; i++) {
            w[i] = parameters[i];
        }
    }

    /** Mean cross-entropy of sequences {@code in[b][t]} against {@code out[b][t]}. */
    double loss(int[] in, int[] out, int context) {
        double sum = 0;
        for (int b = 0; b < in.length / context; b++) {
            double[][] logits = logits(java.util.Arrays.copyOfRange(in, b * context, (b + 1) * context));
            for (int t = 0; t < context; t++) {
                sum += logSumExp(logits[t]) - logits[t][out[b * context + t]];
            }
        }
        return sum / in.length;
    }

    double[][] logits(int[] tokens) {
        int d = spec.dModel();
        double[][] x = new double[tokens.length][d];
        int embedding = layout.tensor("model.embed_tokens.weight").offset();
        for (int t = 0; t < tokens.length; t++) {
            for (int c = 0; c < d; c++) {
                x[t][c] = w[embedding + tokens[t] * d + c];
            }
        }
        for (int l = 0; l < spec.layers(); l++) {
            String p = "model.layers." + l + ".";
            double[][] a = linear(attention(norm(x, p + "input_layernorm.weight"), p), p + "self_attn.o_proj.weight");
            add(x, a);
            double[][] n = norm(x, p + "post_attention_layernorm.weight");
            double[][] gate = linear(n, p + "mlp.gate_proj.weight");
            double[][] up = linear(n, p + "mlp.up_proj.weight");
            for (int t = 0; t < x.length; t++) {
                for (int c = 0; c < spec.dFf(); c++) {
                    gate[t][c] = gate[t][c] / (1 + Math.exp(-gate[t][c])) * up[t][c];
                }
            }
            add(x, linear(gate, p + "mlp.down_proj.weight"));
        }
        return linear(
                norm(x, "model.norm.weight"), spec.tiedEmbeddings() ? "model.embed_tokens.weight" : "lm_head.weight");
    }

    private double[][] attention(double[][] n, String p) {
        int head = spec.headDim();
        double[][] q = linear(n, p + "self_attn.q_proj.weight");
        double[][] k = linear(n, p + "self_attn.k_proj.weight");
        double[][] v = linear(n, p + "self_attn.v_proj.weight");
        position(q, spec.heads(), spec.qkNorm() ? p + "self_attn.q_norm.weight" : "");
        position(k, spec.kvHeads(), spec.qkNorm() ? p + "self_attn.k_norm.weight" : "");
        double[][] out = new double[n.length][spec.dModel()];
        for (int h = 0; h < spec.heads(); h++) {
            int kv = h / (spec.heads() / spec.kvHeads());
            for (int i = 0; i < n.length; i++) {
                double[] s = new double[i + 1];
                for (int j = 0; j <= i; j++) {
                    for (int c = 0; c < head; c++) {
                        s[j] += q[i][h * head + c] * k[j][kv * head + c];
                    }
                    s[j] /= Math.sqrt(head);
                }
                double lse = logSumExp(s);
                for (int j = 0; j <= i; j++) {
                    for (int c = 0; c < head; c++) {
                        out[i][h * head + c] += Math.exp(s[j] - lse) * v[j][kv * head + c];
                    }
                }
            }
        }
        return out;
    }

    /** QK-norm if there is a gain, then the rotation of pairs (i, i + half). */
    private void position(double[][] x, int heads, String gain) {
        int head = spec.headDim();
        int half = head / 2;
        for (int t = 0; t < x.length; t++) {
            for (int h = 0; h < heads; h++) {
                if (!gain.isEmpty()) {
                    double squares = 0;
                    for (int c = 0; c < head; c++) {
                        squares += x[t][h * head + c] * x[t][h * head + c];
                    }
                    for (int c = 0; c < head; c++) {
                        x[t][h * head + c] *=
                                w[layout.tensor(gain).offset() + c] / Math.sqrt(squares / head + spec.normEps());
                    }
                }
                for (int c = 0; c < half; c++) {
                    double angle = t * Math.pow(spec.ropeTheta(), -2.0 * c / head);
                    double a = x[t][h * head + c];
                    double b = x[t][h * head + c + half];
                    x[t][h * head + c] = a * Math.cos(angle) - b * Math.sin(angle);
                    x[t][h * head + c + half] = b * Math.cos(angle) + a * Math.sin(angle);
                }
            }
        }
    }

    private double[][] norm(double[][] x, String name) {
        int gain = layout.tensor(name).offset();
        double[][] y = new double[x.length][spec.dModel()];
        for (int t = 0; t < x.length; t++) {
            double squares = 0;
            for (double v : x[t]) {
                squares += v * v;
            }
            for (int c = 0; c < y[t].length; c++) {
                y[t][c] = x[t][c] / Math.sqrt(squares / y[t].length + spec.normEps()) * w[gain + c];
            }
        }
        return y;
    }

    private double[][] linear(double[][] x, String name) {
        ParameterLayout.Tensor m = layout.tensor(name);
        double[][] y = new double[x.length][m.rows()];
        for (int t = 0; t < x.length; t++) {
            for (int r = 0; r < m.rows(); r++) {
                double sum = 0;
                for (int c = 0; c < m.columns(); c++) {
                    sum += x[t][c] * w[m.offset() + r * m.columns() + c];
                }
                y[t][r] = sum;
            }
        }
        return y;
    }

    private static void add(double[][] x, double[][] y) {
        for (int t = 0; t < x.length; t++) {
            for (int c = 0; c < x[t].length; c++) {
                x[t][c] += y[t][c];
            }
        }
    }

    private static double logSumExp(double[] x) {
        double max = java.util.Arrays.stream(x).max().orElseThrow();
        double sum = 0;
        for (double v : x) {
            sum += Math.exp(v - max);
        }
        return Math.log(sum) + max;
    }
}
