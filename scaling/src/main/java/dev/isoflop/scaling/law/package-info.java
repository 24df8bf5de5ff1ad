/** The laws themselves, the points they are fitted to, and the hash that ties a fit to its inputs. */
@NullMarked
package dev.isoflop.scaling.law;

import org.jspecify.annotations.NullMarked;
