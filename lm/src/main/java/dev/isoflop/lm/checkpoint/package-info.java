/** Files a model lives in: safetensors, Hugging Face configuration, and directories written all or nothing. */
@NullMarked
package dev.isoflop.lm.checkpoint;

import org.jspecify.annotations.NullMarked;
