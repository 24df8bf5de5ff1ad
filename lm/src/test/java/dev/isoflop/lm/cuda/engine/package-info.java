@NullMarked
package dev.isoflop.lm.cuda.engine;

import org.jspecify.annotations.NullMarked;
