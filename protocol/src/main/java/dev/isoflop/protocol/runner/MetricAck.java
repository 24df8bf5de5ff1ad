package dev.isoflop.protocol.runner;

/**
 * @param nextSeq the sequence number expected next
 * @param accepted points stored by this call; 0 for a repeated batch
 */
public record MetricAck(long nextSeq, int accepted) {}
