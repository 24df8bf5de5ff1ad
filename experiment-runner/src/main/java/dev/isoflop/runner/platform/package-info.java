/** The runner's side of the HTTP conversation: the typed client, its errors and how calls are repeated. */
@NullMarked
package dev.isoflop.runner.platform;

import org.jspecify.annotations.NullMarked;
