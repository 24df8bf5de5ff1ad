package dev.isoflop.lm.train;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.checkpoint.CorruptCheckpointException;
import dev.isoflop.lm.checkpoint.HuggingFaceConfig;
import dev.isoflop.lm.checkpoint.Safetensors;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run needs beside its tensors to go on.
 *
 * @param step optimizer steps done; with the options' seed it also is the position in the data
 * @param dataLength tokens of the training data, which fixes the order of windows
 */
public record TrainerState(ModelSpec spec, TrainingOptions options, long step, long dataLength) {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String FORMAT = "isoflop-trainer-1";

    private record Document(String format, ModelSpec model, TrainingOptions options, long step, long dataLength) {}

    /**
     * Flat arrays of a run, laid out by {@link ParameterLayout}: parameters and the optimizer's two moments. Where {@link Optimizer#MUON}
     * updates a tensor, the first is its momentum and the second zero.
     */
    public record Tensors(float[] parameters, float[] first, float[] second) {

        /** Of this layout, all zero. */
        public static Tensors zeros(ParameterLayout layout) {
            return new Tensors(new float[layout.length()], new float[layout.length()], new float[layout.length()]);
        }
    }

    /**
     * Writes {@code model.safetensors}, {@code config.json}, {@code optimizer.safetensors} and {@code trainer.json} into a directory.
     * The same files whichever backend trained, so either goes on from the other's.
     */
    public void write(Path dir, ParameterLayout layout, Tensors tensors) throws IOException {
        Safetensors.write(
                dir.resolve("model.safetensors"), sources(layout, "", tensors.parameters()), Map.of("format", "pt"));
        List<Safetensors.Source> moments = new ArrayList<>(sources(layout, "first.", tensors.first()));
        moments.addAll(sources(layout, "second.", tensors.second()));
        Safetensors.write(
                dir.resolve("optimizer.safetensors"),
                moments,
                Map.of("optimizer", options.optimizer().name().toLowerCase(Locale.ROOT)));
        AtomicDirectory.writeText(dir.resolve("config.json"), HuggingFaceConfig.toJson(spec));
        AtomicDirectory.writeText(
                dir.resolve("trainer.json"),
                JSON.writerWithDefaultPrettyPrinter()
                                .writeValueAsString(new Document(FORMAT, spec, options, step, dataLength))
                        + "\n");
    }

    private static List<Safetensors.Source> sources(ParameterLayout layout, String prefix, float[] data) {
        return layout.tensors().stream()
                .map(t -> new Safetensors.Source(prefix + t.name(), t.shape(), data, t.offset()))
                .toList();
    }

    /** @throws CorruptCheckpointException if it is missing or not of this format */
    public static TrainerState read(Path dir) throws IOException {
        AtomicDirectory.recover(dir);
        Path file = dir.resolve("trainer.json");
        try {
            Document document = JSON.readValue(Files.readString(file), Document.class);
            if (document == null || !FORMAT.equals(document.format())) {
                throw new CorruptCheckpointException(file + " has not the format " + FORMAT);
            }
            return new TrainerState(document.model(), document.options(), document.step(), document.dataLength());
        } catch (NoSuchFileException e) {
            throw new CorruptCheckpointException(
                    dir + " is not a checkpoint to resume from: trainer.json is missing", e);
        } catch (JacksonException e) {
            throw new CorruptCheckpointException(file + " cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Fills the arrays from a checkpoint.
     *
     * @throws CorruptCheckpointException if a file is missing, cut short or of another model
     */
    public static void readTensors(Path dir, ParameterLayout layout, Tensors tensors) throws IOException {
        try {
            read(dir.resolve("model.safetensors"), layout, "", tensors.parameters());
            Path moments = dir.resolve("optimizer.safetensors");
            read(moments, layout, "first.", tensors.first());
            read(moments, layout, "second.", tensors.second());
        } catch (NoSuchFileException e) {
            throw new CorruptCheckpointException(
                    dir + " is not a checkpoint to resume from: " + e.getFile() + " is missing", e);
        }
    }

    private static void read(Path file, ParameterLayout layout, String prefix, float[] target) throws IOException {
        Safetensors tensors = Safetensors.open(file);
        for (ParameterLayout.Tensor t : layout.tensors()) {
            tensors.read(prefix + t.name(), t.shape(), target, t.offset());
        }
    }
}
