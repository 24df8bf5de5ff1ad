/** The REST API as the command line sees it. */
@NullMarked
package dev.isoflop.cli.client;

import org.jspecify.annotations.NullMarked;
