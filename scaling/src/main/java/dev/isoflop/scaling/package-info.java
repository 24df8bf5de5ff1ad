/** Scaling laws: fits, uncertainty, planning and accounting. Pure maths with no Spring and no database. */
@NullMarked
package dev.isoflop.scaling;

import org.jspecify.annotations.NullMarked;
