/** What the REST API serves and accepts: submissions and views, shared by the platform and its clients. */
@NullMarked
package dev.isoflop.protocol.api;

import org.jspecify.annotations.NullMarked;
