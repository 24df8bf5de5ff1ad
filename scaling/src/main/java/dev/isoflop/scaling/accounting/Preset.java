package dev.isoflop.scaling.accounting;

import dev.isoflop.scaling.accounting.Architecture.FeedForward;
import dev.isoflop.scaling.accounting.Architecture.Norm;
import dev.isoflop.scaling.accounting.Architecture.Positions;
import java.util.List;
import java.util.Optional;

/**
 * A published model. Sources: Radford et al. 2019 and Brown et al. 2020 (table 2.1) for the GPTs, the configuration files that Meta, Mistral
 * AI and Alibaba published with the weights for the others.
 *
 * @param name for programs
 * @param title for people
 * @param tokens it was trained on where its makers said so, else 0
 */
public record Preset(String name, String title, Architecture architecture, double tokens) {

    private static final List<Preset> ALL = List.of(
            gpt("gpt-2", "GPT-2 124M", 1024, 768, 12, 12, 0),
            gpt("gpt-2-medium", "GPT-2 355M", 1024, 1024, 24, 16, 0),
            gpt("gpt-2-large", "GPT-2 774M", 1024, 1280, 36, 20, 0),
            gpt("gpt-2-xl", "GPT-2 XL 1.5B", 1024, 1600, 48, 25, 0),
            gpt("gpt-3-175b", "GPT-3 175B", 2048, 12_288, 96, 96, 300e9),
            llama("llama-2-7b", "Llama 2 7B", 32_000, 4096, 4096, 32, 32, 32, 11_008, 2e12),
            llama("llama-3-8b", "Llama 3 8B", 128_256, 8192, 4096, 32, 32, 8, 14_336, 15e12),
            llama("llama-3-70b", "Llama 3 70B", 128_256, 8192, 8192, 80, 64, 8, 28_672, 15e12),
            llama("llama-3.1-405b", "Llama 3.1 405B", 128_256, 8192, 16_384, 126, 128, 8, 53_248, 15.6e12),
            new Preset(
                    "qwen3-0.6b",
                    "Qwen3 0.6B",
                    new Architecture(
                            151_936,
                            4096,
                            1024,
                            28,
                            16,
                            8,
                            128,
                            3072,
                            FeedForward.SWIGLU,
                            Norm.RMS,
                            Positions.ROTARY,
                            false,
                            true,
                            true,
                            0,
                            0,
                            0),
                    36e12),
            new Preset(
                    "mixtral-8x7b",
                    "Mixtral 8x7B",
                    new Architecture(
                            32_000,
                            8192,
                            4096,
                            32,
                            32,
                            8,
                            128,
                            14_336,
                            FeedForward.SWIGLU,
                            Norm.RMS,
                            Positions.ROTARY,
                            false,
                            false,
                            false,
                            8,
                            2,
                            0),
                    0));

    private static Preset gpt(String name, String title, int context, int d, int layers, int heads, double tokens) {
        return new Preset(
                name,
                title,
                new Architecture(
                        50_257,
                        context,
                        d,
                        layers,
                        heads,
                        heads,
                        d / heads,
                        4 * d,
                        FeedForward.PLAIN,
                        Norm.LAYER,
                        Positions.LEARNED,
                        true,
                        true,
                        false,
                        0,
                        0,
                        0),
                tokens);
    }

    private static Preset llama(
            String name,
            String title,
            int vocab,
            int context,
            int d,
            int layers,
            int heads,
            int kvHeads,
            int dFf,
            double tokens) {
        return new Preset(
                name,
                title,
                new Architecture(
                        vocab,
                        context,
                        d,
                        layers,
                        heads,
                        kvHeads,
                        d / heads,
                        dFf,
                        FeedForward.SWIGLU,
                        Norm.RMS,
                        Positions.ROTARY,
                        false,
                        false,
                        false,
                        0,
                        0,
                        0),
                tokens);
    }

    public static List<Preset> all() {
        return ALL;
    }

    public static Optional<Preset> named(String name) {
        return ALL.stream().filter(p -> p.name.equalsIgnoreCase(name.strip())).findFirst();
    }
}
