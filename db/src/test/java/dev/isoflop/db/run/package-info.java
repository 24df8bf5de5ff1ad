/** Tests of the life of a run. */
@NullMarked
package dev.isoflop.db.run;

import org.jspecify.annotations.NullMarked;
