package dev.isoflop.protocol.job;

/**
 * Prepare a dataset: read a corpus, split it by document, train a tokenizer, write token bins.
 *
 * @param corpus {@code npm:PACKAGE} or a path readable by the runner (text, JSONL, also .gz and .zst)
 * @param vocabSize size of the tokenizer, special tokens included
 * @param validationModulus a document is held out when the first byte of the MD5 of its name is divisible by this
 */
public record DataSpec(String corpus, int vocabSize, int validationModulus) implements JobSpec {}
