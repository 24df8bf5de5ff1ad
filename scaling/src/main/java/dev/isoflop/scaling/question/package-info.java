/** Questions as people and programs put them: fields by name, completed by defaults, and faults that name the field. */
@NullMarked
package dev.isoflop.scaling.question;

import org.jspecify.annotations.NullMarked;
