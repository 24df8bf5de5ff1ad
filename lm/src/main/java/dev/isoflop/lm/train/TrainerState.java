package dev.isoflop.lm.train;

import dev.isoflop.lm.checkpoint.AtomicDirectory;
import dev.isoflop.lm.checkpoint.CorruptCheckpointException;
import dev.isoflop.lm.checkpoint.HuggingFaceConfig;
import dev.isoflop.lm.checkpoint.Safetensors;
import dev.isoflop.lm.cpu.AdamW;
import dev.isoflop.lm.cpu.CpuModel;
import dev.isoflop.lm.model.ModelSpec;
import dev.isoflop.lm.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run needs beside its tensors to go on.
 *
 * @param step optimizer steps done; with the options' seed it also is the position in the data
 * @param dataLength tokens of the training data, which fixes the order of windows
 */
record TrainerState(ModelSpec spec, TrainingOptions options, long step, long dataLength) {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String FORMAT = "isoflop-trainer-1";

    private record Document(String format, ModelSpec model, TrainingOptions options, long step, long dataLength) {}

    void write(Path dir, CpuModel model, AdamW optimizer) throws IOException {
        ParameterLayout layout = model.plan().layout();
        Safetensors.write(
                dir.resolve("model.safetensors"), sources(layout, "", model.parameters()), Map.of("format", "pt"));
        List<Safetensors.Source> moments = new ArrayList<>(sources(layout, "first.", optimizer.firstMoments()));
        moments.addAll(sources(layout, "second.", optimizer.secondMoments()));
        Safetensors.write(dir.resolve("optimizer.safetensors"), moments, Map.of("optimizer", "adamw"));
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

    static TrainerState read(Path dir) throws IOException {
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

    static void readTensors(Path dir, CpuModel model, AdamW optimizer) throws IOException {
        ParameterLayout layout = model.plan().layout();
        try {
            read(dir.resolve("model.safetensors"), layout, "", model.parameters());
            Path moments = dir.resolve("optimizer.safetensors");
            read(moments, layout, "first.", optimizer.firstMoments());
            read(moments, layout, "second.", optimizer.secondMoments());
        } catch (NoSuchFileException e) {
            throw new CorruptCheckpointException(
                    dir + " is not a checkpoint to resume from: " + e.getFile() + " is missing", e);
        }
        model.parametersChanged();
    }

    private static void read(Path file, ParameterLayout layout, String prefix, float[] target) throws IOException {
        Safetensors tensors = Safetensors.open(file);
        for (ParameterLayout.Tensor t : layout.tensors()) {
            tensors.read(prefix + t.name(), t.shape(), target, t.offset());
        }
    }
}
