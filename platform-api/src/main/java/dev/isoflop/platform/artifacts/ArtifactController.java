package dev.isoflop.platform.artifacts;

import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** {@code HEAD|GET|PUT /api/v1/artifacts/{sha256}}. HEAD is GET without the body; a GET may ask for a range. */
@RestController
@RequestMapping("/api/v1/artifacts/{sha256}")
class ArtifactController {

    private static final long LITTLE = 1 << 20;

    private final ArtifactFiles files;
    private final ArtifactPruner pruner;

    ArtifactController(ArtifactFiles files, ArtifactPruner pruner) {
        this.files = files;
        this.pruner = pruner;
    }

    @GetMapping(produces = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    ResponseEntity<Resource> get(@PathVariable("sha256") String sha256) {
        ArtifactFiles.Stored stored = files.find(sha256)
                .orElseThrow(() -> new ProblemException(ErrorCode.NOT_FOUND, "There is no artifact " + sha256 + "."));
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .eTag(sha256)
                .cacheControl(CacheControl.maxAge(java.time.Duration.ofDays(365))
                        .cachePrivate()
                        .immutable())
                .body(new FileSystemResource(stored.path()));
    }

    @PutMapping(consumes = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void put(@PathVariable("sha256") String sha256, InputStream body, HttpServletRequest request) throws IOException {
        long length = request.getContentLengthLong(); // -1 where it is not said
        if (!files.hasRoomFor(length)) {
            pruner.makeRoom();
            // before it has been read: an upload that cannot be stored need not travel
            throw new ProblemException(
                    ErrorCode.STORAGE_FULL,
                    "The disk of the artifacts has no room for %d bytes; make room, then repeat the request."
                            .formatted(length));
        }
        try {
            files.put(sha256, body);
        } catch (IOException e) {
            if (!files.hasRoomFor(LITTLE)) {
                pruner.makeRoom();
            }
            throw e;
        }
    }
}
