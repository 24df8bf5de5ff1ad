/** Fits as stored: immutable, one per sweep, method and hash of the inputs. */
@NullMarked
package dev.isoflop.db.fit;

import org.jspecify.annotations.NullMarked;
