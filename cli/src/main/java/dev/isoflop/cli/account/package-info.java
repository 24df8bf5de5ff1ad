/** {@code isoflop account}: the accounting of a model as text. */
@NullMarked
package dev.isoflop.cli.account;

import org.jspecify.annotations.NullMarked;
