/** Where runs that are on their way will end, by their curves and the newest fit of runs like them; it stops none. */
@NullMarked
package dev.isoflop.platform.outlook;

import org.jspecify.annotations.NullMarked;
