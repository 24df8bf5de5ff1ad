/** What every feature of the platform uses: problems, pages, entity tags, idempotency. */
@ApplicationModule(type = ApplicationModule.Type.OPEN)
@NullMarked
package dev.isoflop.platform.shared;

import org.jspecify.annotations.NullMarked;
import org.springframework.modulith.ApplicationModule;
