/** Accounting: parameters, FLOPs and training memory of a Llama-shaped decoder. */
@NullMarked
package dev.isoflop.scaling.flops;

import org.jspecify.annotations.NullMarked;
