/** The forms of loss that are known, one class each. */
@NullMarked
package dev.isoflop.scaling.law.form;

import org.jspecify.annotations.NullMarked;
