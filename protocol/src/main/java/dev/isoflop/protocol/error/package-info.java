/** Error codes and the RFC 9457 problem that carries them. */
@NullMarked
package dev.isoflop.protocol.error;

import org.jspecify.annotations.NullMarked;
