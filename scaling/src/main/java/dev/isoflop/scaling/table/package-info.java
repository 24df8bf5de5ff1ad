/** Tables of runs that were trained elsewhere. */
@NullMarked
package dev.isoflop.scaling.table;

import org.jspecify.annotations.NullMarked;
