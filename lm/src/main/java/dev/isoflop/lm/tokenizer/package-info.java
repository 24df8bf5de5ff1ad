/**
 * Byte-level byte-pair encoding with GPT-2 pre-tokenisation: training, encoding, decoding and Hugging Face {@code tokenizer.json}.
 *
 * <p>Text is cut into special tokens and pieces; no merge crosses a piece. Everything below {@link
 * dev.isoflop.lm.tokenizer.Tokenizer} works on UTF-8 bytes, because the tokens are byte strings.
 */
@NullMarked
package dev.isoflop.lm.tokenizer;

import org.jspecify.annotations.NullMarked;
