package dev.isoflop.platform.fits;

/** A new fit has been stored. Published as an application event, on the thread that fitted. */
public record FitMade(long sweepId, long fitId) {}
