/** The audit trail. */
@NullMarked
package dev.isoflop.db.audit;

import org.jspecify.annotations.NullMarked;
