/** The index of content-addressed files. */
@NullMarked
package dev.isoflop.db.artifact;

import org.jspecify.annotations.NullMarked;
