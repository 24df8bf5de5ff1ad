/** Resource accounting: parameters, FLOPs, memory, time and cost of a decoder on a device, every figure with its arithmetic. */
@NullMarked
package dev.isoflop.scaling.accounting;

import org.jspecify.annotations.NullMarked;
