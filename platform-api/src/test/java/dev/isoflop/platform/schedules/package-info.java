/** Tests of the schedules' insides. */
@NullMarked
package dev.isoflop.platform.schedules;

import org.jspecify.annotations.NullMarked;
