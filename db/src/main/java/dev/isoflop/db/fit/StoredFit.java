package dev.isoflop.db.fit;

import java.time.Instant;

/**
 * @param inputHash SHA-256 over everything the result follows from
 * @param body JSON of the view without its id and time
 */
public record StoredFit(
        long id, long sweepId, String method, String status, String inputHash, String body, Instant createdAt) {}
