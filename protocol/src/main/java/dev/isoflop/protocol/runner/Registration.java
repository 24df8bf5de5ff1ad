package dev.isoflop.protocol.runner;

/**
 * @param runnerId id to use in every later call
 * @param heartbeatSeconds how often to report
 * @param leaseSeconds how long a silent runner keeps its work; it stops its own work a margin before that
 */
public record Registration(long runnerId, int heartbeatSeconds, int leaseSeconds) {}
