/** The PostgreSQL that tests run against, of this module and of the platform. */
@NullMarked
package dev.isoflop.db.testing;

import org.jspecify.annotations.NullMarked;
