/** The processes of `isoflop up` on this machine. */
@NullMarked
package dev.isoflop.cli.local;

import org.jspecify.annotations.NullMarked;
