/** What a model is: its shape, its parameters and what it costs, with no buffers made. */
@NullMarked
package dev.isoflop.lm.model;

import org.jspecify.annotations.NullMarked;
