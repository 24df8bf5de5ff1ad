/** What every controller shares: tags, cursors, body limits. */
@NullMarked
package dev.isoflop.platform.shared.web;

import org.jspecify.annotations.NullMarked;
