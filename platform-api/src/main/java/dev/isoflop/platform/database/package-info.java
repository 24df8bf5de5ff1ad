/** Where the database comes from: one beside the platform, or one named by the user. */
@NullMarked
package dev.isoflop.platform.database;

import org.jspecify.annotations.NullMarked;
