package dev.isoflop.protocol.job;

import java.util.List;

/**
 * A prepared dataset: enough to find it in a local cache or fetch it file by file.
 *
 * @param id hash of the options it was built from (hex)
 * @param files token bins, tokenizer and manifest, by content
 */
public record DatasetRef(String id, List<FileRef> files) {

    public DatasetRef {
        files = List.copyOf(files);
    }
}
