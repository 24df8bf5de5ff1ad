package dev.isoflop.protocol.runner;

import dev.isoflop.protocol.job.FileRef;
import java.util.List;

/**
 * @param step optimizer steps done; one checkpoint per attempt and step
 * @param tokens training tokens seen
 * @param trainSeconds training seconds spent so far, earlier attempts included
 * @param files model, optimizer and trainer state, all stored as artifacts already
 */
public record CheckpointCommit(long step, long tokens, double trainSeconds, List<FileRef> files) {

    public CheckpointCommit {
        files = List.copyOf(files);
    }
}
