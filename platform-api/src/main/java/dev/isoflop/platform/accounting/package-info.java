/** Resource accounting over HTTP: the calculator's questions and their answers, which are those of {@code scaling}. */
@NullMarked
package dev.isoflop.platform.accounting;

import org.jspecify.annotations.NullMarked;
