/**
 * Documents in, token bins out.
 *
 * <p>A {@link dev.isoflop.data.CorpusSource} is read into documents, the documents are split into training and validation by their
 * names, a tokenizer is trained on the training part, and both parts become token bins in a content-addressed directory.
 */
@NullMarked
package dev.isoflop.data;

import org.jspecify.annotations.NullMarked;
