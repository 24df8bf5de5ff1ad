/** Who may do what with an experiment, as it is stored. */
@NullMarked
package dev.isoflop.db.access;

import org.jspecify.annotations.NullMarked;
