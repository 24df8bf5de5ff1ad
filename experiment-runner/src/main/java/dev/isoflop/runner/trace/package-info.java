/** What an attempt spends its time on, as spans of the trace that its run was submitted in. */
@NullMarked
package dev.isoflop.runner.trace;

import org.jspecify.annotations.NullMarked;
